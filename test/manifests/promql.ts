// What a PromQL expression reads: parsed with the grammar that Prometheus's own web page uses.
import { parser } from '@prometheus-io/lezer-promql';

/** A metric that an expression reads, with the labels of its matchers and the values they are compared with. */
export interface Selector {
  metric: string;
  matchers: { label: string; value: string }[];
}

export interface Query {
  selectors: Selector[];
  /** Labels in `by (…)` and `on (…)`. */
  groupedBy: string[];
}

/** Parses an expression. Throws an Error if it is not valid. Grafana's variables count as any value. */
export function parseQuery(expression: string): Query {
  const text = expression
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$__range', '1h')
    .replaceAll(/\$\w+/g, 'any');
  const selectors: Selector[] = [];
  const groupedBy: string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      const words = text.slice(from, to);
      if (type.isError) throw new Error(`This is no PromQL at ${from}: ${expression}`);
      if (type.name === 'VectorSelector') {
        const name = node.getChild('Identifier');
        selectors.push({ metric: name ? text.slice(name.from, name.to) : '', matchers: [] });
      } else if (type.name === 'UnquotedLabelMatcher') {
        const [, label, value] = /^(\w+)\s*(?:=~|!~|!=|=)\s*"(.*)"$/.exec(words) ?? [];
        selectors.at(-1)?.matchers.push({ label, value });
      } else if (type.name === 'GroupingLabels') {
        groupedBy.push(
          ...words
            .slice(1, -1)
            .split(',')
            .map((each) => each.trim())
            .filter((each) => each !== ''),
        );
      }
    },
  });
  return { selectors, groupedBy };
}

// Chooses the filter for an image that an event names: from the object's metadata, else the rule for its folder, else the default.
import { Problem } from '../lib/errors.ts';
import type { Values } from '../lib/filters/filter.ts';
import { DEFAULT_FILTER } from '../lib/filters/registry.ts';
import { PNG } from '../lib/image/format.ts';
import { uploadRequestOf, type Treatment } from './requests.ts';

/** For objects whose key begins with `prefix`, the parameters of a request, such as `filter=sharpen&amount=2`. */
export interface ObjectRule {
  prefix: string;
  query: string;
}

/** The object's metadata that chooses parameters begins like this: `x-amz-meta-tessera-kernel`. */
const METADATA_PREFIX = 'tessera-';
/** The metadata of a result, which chooses nothing. */
export const RESULT_OF = 'tessera-image';

/** Throws an Error for a rule with parameters that a request may not have. */
export function assertRules({ inputRules }: { inputRules: ObjectRule[] }): void {
  for (const { prefix, query } of inputRules) {
    try {
      treatmentIn(query, {});
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(`INPUT_RULES: the rule for ${JSON.stringify(prefix)} is wrong. ${reason}`, {
        cause: error,
      });
    }
  }
}

/** Returns what is to be done to the stored input `name`. Throws a {@link Problem} for parameters that are not allowed. */
export function treatmentFor(
  name: string,
  metadata: Record<string, string>,
  rules: ObjectRule[],
  settings: Values,
): Treatment {
  const chosen = new Map(
    Object.entries(metadata)
      .filter(([key]) => key.startsWith(METADATA_PREFIX) && key !== RESULT_OF)
      .map(([key, value]) => [key.slice(METADATA_PREFIX.length), value] as const),
  );
  const ruled = new URLSearchParams(ruleFor(name, rules)?.query);
  const isOther = (key: string, usual: string) =>
    chosen.has(key) && chosen.get(key) !== (ruled.get(key) ?? usual);
  // A rule's quality belongs to its format, and its other parameters to its filter.
  const [isOtherFilter, isOtherFormat] = [isOther('filter', DEFAULT_FILTER), isOther('format', PNG)];
  const isKept = (key: string) => key === 'format' || !(key === 'quality' ? isOtherFormat : isOtherFilter);
  const parameters = new URLSearchParams([...ruled].filter(([key]) => isKept(key)));
  for (const [key, value] of chosen) parameters.set(key, value);
  return treatmentIn(parameters.toString(), settings);
}

function treatmentIn(query: string, settings: Values): Treatment {
  const { name, recipe, format } = uploadRequestOf(query, settings);
  if (name === null) return { recipe, format };
  throw new Problem('invalid-request', 'An object cannot get another name.');
}

/** The rule with the longest prefix. */
function ruleFor(name: string, rules: ObjectRule[]): ObjectRule | undefined {
  return rules
    .filter(({ prefix }) => name.startsWith(prefix))
    .reduce<ObjectRule | undefined>(
      (longest, each) => (longest && longest.prefix.length >= each.prefix.length ? longest : each),
      undefined,
    );
}

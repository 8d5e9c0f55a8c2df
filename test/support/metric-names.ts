// The rules of Prometheus for the names of metrics, as `promtool check metrics` applies them, for machines without it.

const OTHER_UNITS =
  /_(ns|us|ms|millis|(nano|micro|milli)seconds|minutes|hours|days|bits|[kmg]i?b|(kilo|mega|giga|kibi|mebi|gibi)bytes|percent)(_|$)/;

/** Returns what is wrong with the name of a metric of this type; nothing for a valid one. */
export function namingFaults(name: string, type: string): string[] {
  const faults = {
    'has characters that do not belong there': !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name),
    'is a counter that does not end in _total': type === 'counter' && !name.endsWith('_total'),
    'is no counter, but ends in _total': type !== 'counter' && name.endsWith('_total'),
    'ends like a part of a histogram': /_(bucket|count|sum)$/.test(name),
    'contains its type': /_(counter|gauge|histogram|summary)(_|$)/.test(name),
    'is not in seconds or bytes': OTHER_UNITS.test(name),
    'does not end in its unit': /_(seconds|bytes)_(?!total$)/.test(name),
    'has no type': type === 'untyped',
  };
  return Object.entries(faults).flatMap(([fault, isSo]) => (isSo ? [`${name} ${fault}`] : []));
}

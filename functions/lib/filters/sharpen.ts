// Unsharp masking: functions/blur/filters/sharpen.ts.
import { kernel, type Filter, type Parameter } from './filter.ts';

/** How much of the difference to the blurred image is added. */
const amount: Parameter = {
  pattern: /^\d{1,2}(\.\d{1,2})?$/,
  isAllowed: (value) => value >= 0.01 && value <= 10 && Number(value.toFixed(2)) === value,
  wanted: 'a number from 0.01 to 10 with at most two decimals',
  fallback: 1,
  problem: 'invalid-filter',
};

export const sharpen: Filter = {
  parameters: { kernel, amount },
  haloPx: ({ kernel }) => (kernel - 1) / 2,
};

// The Gaussian blur: functions/blur/convolve/convolve.ts.
import { kernel, type Filter } from './filter.ts';

export const blur: Filter = {
  parameters: { kernel },
  haloPx: ({ kernel }) => (kernel - 1) / 2,
};

// The kernel as a pass reads it: typed arrays that stay where they are, so that a pass can hold them as
// constants of its module. passes.ts has one set for each pass.
import { LARGEST_KERNEL } from '../../lib/kernel-size.ts';
import { sumOf, type Cosine, type CosineKernel } from './kernel.ts';
import { viewsOn } from './scratch.ts';

/** How many different sums two bytes have. */
const SUMS = 511;
const WEIGHTS = (LARGEST_KERNEL + 1) / 2;

export class SlidingKernel {
  /** Weights and slopes of the first sums of a line, by distance from the middle. */
  readonly slowWeights = new Float64Array(WEIGHTS);
  readonly fastWeights = new Float64Array(WEIGHTS);
  readonly slowSlopes = new Float64Array(WEIGHTS);
  readonly fastSlopes = new Float64Array(WEIGHTS);
  /**
   * Of the slow and the fast cosine, in turn: step, w(r), w(r + 1), and what the bias adds to a sum. After these
   * eight there is room for the other values of a pass.
   */
  readonly constants = new Float64Array(11);
  /** y(0) and y(−1) of the slow cosine and of the fast one: filled in by the pass itself. */
  readonly first = new Float64Array(4);
  /**
   * The products of w(r) and w(r + 1) with every sum of two bytes, for the pass that reads bytes. On one buffer, so
   * that V8 checks once whether it is still there.
   */
  readonly products = viewsOn(new ArrayBuffer(4 * SUMS * 8), Float64Array, 4, SUMS, 1);

  /**
   * Takes over `kernel`. The pass then writes (Σ w·x + bias) / divisor. The weights add up to 1, so the next pass keeps
   * the bias as it is.
   */
  set({ slow, fast }: CosineKernel, divisor: number, bias = 0): void {
    this.slowWeights.set(slow.weights.map((weight) => weight / divisor));
    this.fastWeights.set(fast.weights.map((weight) => weight / divisor));
    this.slowSlopes.set(slow.slopes.map((slope) => slope / divisor));
    this.fastSlopes.set(fast.slopes.map((slope) => slope / divisor));
    const both = <T>(of: (cosine: Cosine) => T): T[] => [of(slow), of(fast)];
    this.constants.set([
      ...both(({ step }) => step),
      ...both(({ edge }) => edge / divisor),
      ...both(({ past }) => past / divisor),
      ...both((cosine) => (sumOf(cosine) * bias) / divisor),
    ]);
    const [, , slowEdge, fastEdge, slowPast, fastPast] = this.constants;
    [slowEdge, slowPast, fastEdge, fastPast].forEach((weight, at) => {
      for (let sum = 0; sum < SUMS; sum++) this.products[at][sum] = weight * (sum + 2 * bias);
    });
  }
}

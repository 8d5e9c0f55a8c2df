// How large a picture's pixels are meant to be: on paper, or in relation of width to height.

/** Pixels per metre, or for `aspect` only the ratio of the two. Both are integers from 1 to 2³¹-1, as in PNG's pHYs. */
export interface Density {
  x: number;
  y: number;
  unit: 'metre' | 'aspect';
}

const largest = 2 ** 31 - 1;

/** Returns the density in pixels per metre, or undefined for numbers that make no sense. */
export function metreDensity(x: number, y: number): Density | undefined {
  const density: Density = { x: Math.round(x), y: Math.round(y), unit: 'metre' };
  return isPossible(density) ? density : undefined;
}

/** Returns the density of pixels that are not square, or undefined if they are square or the numbers make no sense. */
export function aspectDensity(x: number, y: number): Density | undefined {
  const density: Density = { x: Math.round(x), y: Math.round(y), unit: 'aspect' };
  return isPossible(density) && density.x !== density.y ? density : undefined;
}

/** Returns the density after the picture was turned by 90 degrees. */
export function turnSideways({ x, y, unit }: Density): Density {
  return { x: y, y: x, unit };
}

function isPossible({ x, y }: Density): boolean {
  return x >= 1 && y >= 1 && x <= largest && y <= largest;
}

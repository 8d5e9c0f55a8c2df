import { expect, it } from 'vitest';
import { contentDisposition } from './content-disposition.ts';

it.each([
  ['cat_blurred.png', `inline; filename="cat_blurred.png"; filename*=UTF-8''cat_blurred.png`],
  ['cats/tom (1).png', `inline; filename="tom (1).png"; filename*=UTF-8''tom%20%281%29.png`],
  [`it's "a\\b".png`, `inline; filename="it's _a_b_.png"; filename*=UTF-8''it%27s%20%22a%5Cb%22.png`],
  ['é;*.png', `inline; filename="Ã©;*.png"; filename*=UTF-8''%C3%A9%3B%2A.png`],
  ['照.png', `inline; filename="ç\u0085§.png"; filename*=UTF-8''%E7%85%A7.png`],
])('contains %j in both forms', (name, header) => expect(contentDisposition(name)).toBe(header));

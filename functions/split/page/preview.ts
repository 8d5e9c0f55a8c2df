// A small copy of a file's picture, for the mosaic.

const MAX_SIDE_PX = 900;

let last: Promise<unknown> = Promise.resolve();

/**
 * Returns the picture, at most 900 pixels wide and high; null if the browser cannot read the file. Draws one at a time, because a
 * decoded photo may take 200 MB.
 */
export async function drawPreview(file: Blob): Promise<ImageBitmap | null> {
  const drawn = last.then(async () => draw(file)).catch(() => null);
  last = drawn;
  return drawn;
}

async function draw(file: Blob): Promise<ImageBitmap> {
  const whole = await createImageBitmap(file);
  const scale = MAX_SIDE_PX / Math.max(whole.width, whole.height);
  if (scale >= 1) return whole;
  const [resizeWidth, resizeHeight] = [whole.width, whole.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  );
  const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: 'medium' });
  whole.close();
  return small;
}

// A small copy of a file's picture, for the mosaic.

const MAX_SIDE_PX = 900;

/** Returns the picture, at most 900 pixels wide and high; null if the browser cannot read the file. */
export async function drawPreview(file: Blob): Promise<ImageBitmap | null> {
  const whole = await createImageBitmap(file).catch(() => null);
  if (whole === null) return null;
  const scale = MAX_SIDE_PX / Math.max(whole.width, whole.height);
  if (scale >= 1) return whole;
  const [resizeWidth, resizeHeight] = [whole.width, whole.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  );
  const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: 'medium' });
  whole.close();
  return small;
}

/** Decodes a JPEG beside the page's own work, and puts it on a canvas of its size. */
export async function paint(canvas: HTMLCanvasElement, jpeg: Blob): Promise<void> {
  const picture = await createImageBitmap(jpeg);
  try {
    const { width, height } = picture;
    // Setting the size wipes a canvas, even where it stays the same.
    if (canvas.width !== width || canvas.height !== height)
      Object.assign(canvas, { width, height });
    canvas.getContext('2d')?.drawImage(picture, 0, 0);
  } finally {
    picture.close();
  }
}

const APP0 = 0xe0;
const COMMENT = 0xfe;

/**
 * The same picture with the time in a comment: a screen on which nothing changes is not a camera that
 * hangs with one picture in its memory, which is what equal bytes would say.
 */
export function still(jpeg: Uint8Array, atMs: number): Uint8Array {
  const text = new TextEncoder().encode(`unchanged at ${atMs}`);
  const length = text.length + 2;
  // After the start of the image, and after the JFIF header, which has to come first.
  const at = jpeg[3] === APP0 ? 4 + (jpeg[4] ?? 0) * 256 + (jpeg[5] ?? 0) : 2;
  const comment = [0xff, COMMENT, length >> 8, length & 0xff, ...text];
  const marked = new Uint8Array(jpeg.length + comment.length);
  marked.set(jpeg.subarray(0, at));
  marked.set(comment, at);
  marked.set(jpeg.subarray(at), at + comment.length);
  return marked;
}

/** A display copy in several sizes, each half as large as the one before. */
export interface Picture {
  levels: readonly ImageBitmap[];
  close: () => void;
}

/** No smaller copy than this is worth having. */
const LEAST_SIDE = 512;

/**
 * Decodes a picture off the main thread. Smaller copies of it are made at once: drawing a large
 * picture small would cost the most just when all of it is in sight.
 */
export async function decode(blob: Blob): Promise<Picture> {
  const first = await createImageBitmap(blob);
  const levels = [first];
  for (
    let last = first;
    Math.max(last.width, last.height) / 2 >= LEAST_SIDE;
    last = levels.at(-1) ?? first
  ) {
    levels.push(
      await createImageBitmap(last, {
        resizeWidth: Math.max(1, Math.round(last.width / 2)),
        resizeHeight: Math.max(1, Math.round(last.height / 2)),
        resizeQuality: 'high',
      }),
    );
  }
  return { levels, close: () => levels.forEach((level) => level.close()) };
}

/** The smallest copy that still has a pixel for each of the screen's. */
export function levelFor<Level extends { width: number }>(
  levels: readonly Level[],
  screenWidth: number,
): Level | undefined {
  return levels.findLast(({ width }) => width >= screenWidth) ?? levels[0];
}

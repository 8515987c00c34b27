import { getPicture } from '../../api/read';
import { decode, type Picture } from './picture';
import type { Size } from './zoom';

export interface Loaded {
  picture: Picture;
  size: Size;
}

/** The one that is shown, what it is compared with, and the one before: each may hold 60 MB. */
const KEPT = 3;

const loaded = new Map<string, Loaded>();

/** A picture by its path: at once where it was just shown, else from the server. */
export async function loadPicture(path: string, signal: AbortSignal): Promise<Loaded> {
  const known = loaded.get(path);
  if (known !== undefined) {
    remember(path, known);
    return known;
  }
  const { blob, size } = await getPicture(path, signal);
  const picture = await decode(blob);
  if (signal.aborted) {
    picture.close();
    signal.throwIfAborted();
  }
  const fresh = { picture, size };
  remember(path, fresh);
  return fresh;
}

/** Nobody looks any more. */
export function forgetPictures(): void {
  for (const { picture } of loaded.values()) picture.close();
  loaded.clear();
}

function remember(path: string, entry: Loaded): void {
  // The same path may have been asked for twice at once.
  const before = loaded.get(path);
  if (before !== undefined && before !== entry) before.picture.close();
  loaded.delete(path);
  loaded.set(path, entry);
  for (const [oldest, { picture }] of loaded) {
    if (loaded.size <= KEPT) return;
    loaded.delete(oldest);
    picture.close();
  }
}

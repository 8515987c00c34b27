import { type Settings, USUAL_FPS, usualSkip } from './settings';

/**
 * The address of the pictures. Rate and skip are always named, or tracking and boxes would have
 * different ones.
 */
export function picturesPath(id: string, settings: Settings): string {
  const query = new URLSearchParams({ camera: id });
  if (settings.view === 'plain') return `/stream?${query.toString()}`;
  addShared(query, settings);
  if (!settings.labels) query.set('show_labels', 'false');
  if (settings.view === 'tracking' && !settings.trails) query.set('show_trails', 'false');
  // The page has them beside the picture.
  if (settings.view === 'tracking') query.set('show_stats', 'false');
  if (settings.classes !== null) query.set('classes', settings.classes.join(','));
  return `/stream/${settings.view}?${query.toString()}`;
}

/** The address of what is found: all classes, so that those can be offered that are not shown. */
export function detectionsPath(id: string, settings: Settings): string {
  const query = new URLSearchParams();
  addShared(query, settings);
  return `/api/v1/streams/${encodeURIComponent(id)}/detections?${query.toString()}`;
}

function addShared(query: URLSearchParams, { view, confidence, fps, skip }: Settings): void {
  if (confidence !== null) query.set('conf', confidence.toFixed(2));
  query.set('fps', String(fps ?? USUAL_FPS));
  query.set('skip_frames', String(skip ?? usualSkip(view)));
}

/** The same two addresses as a page asks for them that sees both: it is one viewer, not two. */
export function ofOnePage(page: string, pictures: string, objects: string): [string, string] {
  return [`${pictures}&page=${page}`, `${objects}&beside=${page}`];
}

/** A name for a page, which no other has. */
export function pageName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

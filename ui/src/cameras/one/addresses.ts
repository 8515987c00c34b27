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
  // Whoever sees the pictures is one viewer, not two.
  const query = new URLSearchParams({ beside: 'true' });
  addShared(query, settings);
  return `/api/v1/streams/${encodeURIComponent(id)}/detections?${query.toString()}`;
}

function addShared(query: URLSearchParams, { view, confidence, fps, skip }: Settings): void {
  if (confidence !== null) query.set('conf', confidence.toFixed(2));
  query.set('fps', String(fps ?? USUAL_FPS));
  query.set('skip_frames', String(skip ?? usualSkip(view)));
}

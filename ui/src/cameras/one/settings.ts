/** What is shown of a camera; all of it stands in the page's address, so that a view can be shared. */
export interface Settings {
  view: View;
  /** Objects below it are not shown; null means the server's. */
  confidence: number | null;
  /** Pictures a second; null means the usual number, as for all below. */
  fps: number | null;
  /** Every how-manieth of them is analysed. */
  skip: number | null;
  labels: boolean;
  trails: boolean;
  /** Only these are shown; null means all. */
  classes: readonly string[] | null;
}

/** The picture as the camera sends it, with boxes, or with boxes that are followed. */
export type View = 'plain' | 'detect' | 'tracking';

export const VIEWS: readonly View[] = ['plain', 'detect', 'tracking'];
export const MOST_FPS = 30;
export const MOST_SKIP = 10;
export const USUAL_FPS = 10;
const MOST_CLASSES = 40;

export const DEFAULTS: Settings = {
  view: 'detect',
  confidence: null,
  fps: null,
  skip: null,
  labels: true,
  trails: true,
  classes: null,
};

export function usualSkip(view: View): number {
  return view === 'tracking' ? 1 : 2;
}

/** Reads an address's query. What is missing or makes no sense is the default. */
export function parseSettings(search: string): Settings {
  const query = new URLSearchParams(search);
  const confidence = Number.parseFloat(query.get('conf') ?? '');
  const whole = (name: string, most: number): number | null => {
    const value = Number(query.get(name) ?? '');
    return Number.isInteger(value) && value >= 1 && value <= most ? value : null;
  };
  const classes = (query.get('classes') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .slice(0, MOST_CLASSES);
  return {
    view: VIEWS.find((view) => view === query.get('view')) ?? DEFAULTS.view,
    confidence: confidence >= 0 && confidence <= 1 ? confidence : null,
    fps: whole('fps', MOST_FPS),
    skip: whole('skip', MOST_SKIP),
    labels: query.get('labels') !== 'off',
    trails: query.get('trails') !== 'off',
    classes: classes.length === 0 ? null : classes,
  };
}

/** The shortest query that gives these settings back, with its `?`, or nothing. */
export function formatSettings(settings: Settings): string {
  const { view, confidence, fps, skip, labels, trails, classes } = settings;
  const query = new URLSearchParams();
  if (view !== DEFAULTS.view) query.set('view', view);
  if (confidence !== null) query.set('conf', confidence.toFixed(2));
  if (fps !== null) query.set('fps', String(fps));
  if (skip !== null) query.set('skip', String(skip));
  if (!labels) query.set('labels', 'off');
  if (!trails) query.set('trails', 'off');
  if (classes !== null) query.set('classes', classes.join(','));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Switches a class on or off. With none chosen all are shown. */
export function toggleClass(settings: Settings, label: string): Settings['classes'] {
  const chosen = settings.classes ?? [];
  const next = chosen.includes(label)
    ? chosen.filter((other) => other !== label)
    : [...chosen, label];
  return next.length === 0 ? null : next;
}

export function shows(settings: Settings, label: string): boolean {
  return settings.classes === null || settings.classes.includes(label);
}

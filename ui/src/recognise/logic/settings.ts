/** What the page's address says, so that a view can be shared. */
export interface Settings {
  source: SourceKind;
  /** For the generated clip. */
  gesture: string;
  seed: number;
  /** The viewer's own threshold; null means the server's. */
  threshold: number | null;
  /** Null means the source's own default. */
  mirror: boolean | null;
  /** How many labels are listed; null means as many as suit the model. */
  top: Top | null;
  /** How many equal predictions in a row make a word; null means the usual number. */
  steady: number | null;
  /** Labels that mean “nothing happens” become words, too. */
  rest: boolean;
}

export type SourceKind = 'camera' | 'file' | 'sample';
export type Top = 3 | 5 | 10 | 'all';

const SOURCES: readonly SourceKind[] = ['camera', 'file', 'sample'];
export const TOPS: readonly Top[] = [3, 5, 10, 'all'];
export const MOST_STEADY = 25;

export const DEFAULTS: Settings = {
  source: 'camera',
  gesture: 'wave',
  seed: 1,
  threshold: null,
  mirror: null,
  top: null,
  steady: null,
  rest: false,
};

/** A picture from a camera is shown as a mirror shows it; files and clips are left as they are. */
export function mirrored(settings: Settings): boolean {
  return settings.mirror ?? settings.source === 'camera';
}

/** Reads an address's query. What is missing or makes no sense is the default. */
export function parseSettings(search: string): Settings {
  const query = new URLSearchParams(search);
  const source = SOURCES.find((kind) => kind === query.get('source'));
  const threshold = Number.parseFloat(query.get('threshold') ?? '');
  const seed = Number.parseInt(query.get('seed') ?? '', 10);
  const mirror = query.get('mirror');
  const gesture = query.get('gesture') ?? '';
  const top = TOPS.find((count) => String(count) === query.get('top'));
  const steady = Number(query.get('steady') ?? '');
  return {
    source: source ?? DEFAULTS.source,
    gesture: /^[\w-]{1,40}$/.test(gesture) ? gesture : DEFAULTS.gesture,
    seed: Number.isSafeInteger(seed) && seed >= 0 ? seed : DEFAULTS.seed,
    threshold: threshold >= 0 && threshold <= 1 ? threshold : DEFAULTS.threshold,
    mirror: mirror === 'on' ? true : mirror === 'off' ? false : null,
    top: top ?? DEFAULTS.top,
    steady:
      Number.isInteger(steady) && steady >= 1 && steady <= MOST_STEADY ? steady : DEFAULTS.steady,
    rest: query.get('rest') === 'on',
  };
}

/** The shortest query that gives these settings back, with its `?`, or nothing. */
export function formatSettings(settings: Settings): string {
  const query = new URLSearchParams();
  if (settings.source !== DEFAULTS.source) query.set('source', settings.source);
  if (settings.source === 'sample') {
    query.set('gesture', settings.gesture);
    if (settings.seed !== DEFAULTS.seed) query.set('seed', String(settings.seed));
  }
  if (settings.threshold !== null) query.set('threshold', settings.threshold.toFixed(2));
  if (settings.mirror !== null) query.set('mirror', settings.mirror ? 'on' : 'off');
  if (settings.top !== null) query.set('top', String(settings.top));
  if (settings.steady !== null) query.set('steady', String(settings.steady));
  if (settings.rest) query.set('rest', 'on');
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

import type { JobOptions } from 'sightwire/api';
import type { OptionQuery } from '../api/read';
import { formatCorners } from './viewer/corners';
import type { Polygon } from './viewer/geometry';

/** How pictures are read. All of it stands in the page's address where it is not the usual. */
export interface ReadOptions {
  /** Null: the server's usual one. */
  model: string | null;
  /** The page in a photograph is read as if seen from straight above. */
  perspective: boolean;
  deskew: boolean;
  contrast: boolean;
  denoise: boolean;
  /** Lines that stand on their head are turned. */
  angle: boolean;
  /** A pixel belongs to text from this probability on. */
  threshold: number;
  /** A line is kept whose pixels are text with this probability on average. */
  boxThreshold: number;
  /** How far a line's outline is moved outwards. */
  unclip: number;
  /** Larger pictures are made smaller before lines are looked for. */
  maxSide: number;
  /** Of more lines, the largest are read. */
  maxCandidates: number;
  /** Lines that are lower are not read, in px of the picture. */
  minDetectionSize: number;
}

/** The server's own. */
export const USUAL: ReadOptions = {
  model: null,
  perspective: false,
  deskew: false,
  contrast: false,
  denoise: false,
  angle: true,
  threshold: 0.3,
  boxThreshold: 0.5,
  unclip: 1.6,
  maxSide: 2000,
  maxCandidates: 10_000,
  minDetectionSize: 0,
};

/** What changes the picture before it is read. */
export const PREPARATIONS = ['perspective', 'deskew', 'contrast', 'denoise'] as const;
const SWITCHES = [...PREPARATIONS, 'angle'] as const;

interface Range {
  /** In the address and for the server. */
  query: string;
  least: number;
  most: number;
  step: number;
  digits: number;
  /** A slider's ends, where it does not reach all that an address may say. */
  slider?: { least: number; most: number; mostMeansAll?: boolean };
}

export const RANGES = {
  threshold: { query: 'threshold', least: 0.05, most: 0.95, step: 0.05, digits: 2 },
  boxThreshold: { query: 'box_threshold', least: 0.05, most: 0.95, step: 0.05, digits: 2 },
  unclip: { query: 'unclip', least: 1, most: 3, step: 0.1, digits: 1 },
  maxSide: { query: 'max_side', least: 480, most: 4000, step: 160, digits: 0 },
  maxCandidates: {
    query: 'max_candidates',
    least: 1,
    most: 10_000,
    step: 10,
    digits: 0,
    slider: { least: 10, most: 1010, mostMeansAll: true },
  },
  minDetectionSize: {
    query: 'min_detection_size',
    least: 0,
    most: 1000,
    step: 1,
    digits: 0,
    slider: { least: 0, most: 100 },
  },
} satisfies Partial<Record<keyof ReadOptions, Range>>;

export type RangeName = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as RangeName[];

/** From where to where a slider goes. */
export function sliderOf(name: RangeName): { least: number; most: number; step: number } {
  const { least, most, step, slider = { least, most } }: Range = RANGES[name];
  return { least: slider.least, most: slider.most, step };
}

/** What a place on the slider stands for. */
export function valueAt(name: RangeName, place: number): number {
  const { most, slider }: Range = RANGES[name];
  return slider?.mostMeansAll === true && place >= slider.most ? most : place;
}

/** What is missing or makes no sense is the usual. */
export function parseOptions(query: URLSearchParams): ReadOptions {
  const options = { ...USUAL, model: query.get('model') ?? USUAL.model };
  for (const name of SWITCHES) {
    const value = query.get(name);
    if (value === '0' || value === '1') options[name] = value === '1';
  }
  for (const name of RANGE_NAMES) {
    const { query: key, least, most } = RANGES[name];
    const value = Number.parseFloat(query.get(key) ?? '');
    if (value >= least && value <= most) options[name] = value;
  }
  return options;
}

/** Only what is not the usual. */
export function formatOptions(options: ReadOptions): OptionQuery {
  const query: OptionQuery = {};
  if (options.model !== null) query.model = options.model;
  for (const name of SWITCHES) {
    if (options[name] !== USUAL[name]) query[name] = options[name] ? '1' : '0';
  }
  for (const name of RANGE_NAMES) {
    const { query: key, digits } = RANGES[name];
    if (options[name] !== USUAL[name]) query[key] = options[name].toFixed(digits);
  }
  return query;
}

/**
 * For the server, everything said: what is not, would be as the job has it. Every line is asked for,
 * however unsure: which of them are shown is decided here, so that moving the slider reads nothing
 * again.
 */
export function askOptions(
  options: ReadOptions,
  usual: string | null,
  corners?: Polygon | null,
): OptionQuery {
  const query: OptionQuery = { min_confidence: '0' };
  const model = options.model ?? usual;
  if (model !== null) query.model = model;
  for (const name of SWITCHES) query[name] = options[name] ? '1' : '0';
  for (const name of RANGE_NAMES) {
    const { query: key, digits } = RANGES[name];
    query[key] = options[name].toFixed(digits);
  }
  // Unless somebody says whether there are any, they stay as the job has them.
  if (corners === undefined) return query;
  return { ...query, corners: '', ...cornersQuery(options, corners) };
}

/** What is done to the picture before it is read; null: nothing. */
export function preparation(options: ReadOptions, corners?: Polygon | null): OptionQuery | null {
  const chosen = PREPARATIONS.filter((name) => options[name]);
  if (chosen.length === 0) return null;
  const query = Object.fromEntries(chosen.map((name) => [name, '1']));
  return { ...query, ...cornersQuery(options, corners) };
}

/** Corners that somebody moved belong to one picture, and only where its page is straightened. */
function cornersQuery({ perspective }: ReadOptions, corners?: Polygon | null): OptionQuery {
  return perspective && corners ? { corners: formatCorners(corners) } : {};
}

/** The same for the same way of reading. */
export function optionsKey(
  options: ReadOptions,
  usual: string | null,
  corners?: Polygon | null,
): string {
  return new URLSearchParams(askOptions(options, usual, corners ?? null)).toString();
}

/** What a job says of how its files are read. */
export function optionsOf(options: JobOptions): ReadOptions {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    query.set(name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value));
  }
  // A page whose corners are given is straightened, too.
  if (options.corners) query.set('perspective', '1');
  return parseOptions(query);
}

/** What is chosen on the page; all of it stands in the page's address. */
export interface Settings {
  source: SourceKind;
  /** The stream's name; null means the one that this tab made up. */
  name: string | null;
  mode: Mode;
  /** Pictures a second at most; null means the usual number, as for the two below. */
  fps: number | null;
  /** Of the JPEG, in percent. */
  quality: number | null;
  /** Wider pictures are made smaller. */
  widthPx: number | null;
  /** Whether the stream is fetched back and shown as viewers get it. */
  preview: boolean;
}

export type SourceKind = 'camera' | 'screen' | 'file' | 'test';
export type Mode = 'normal' | 'enhanced';

export const SOURCES: readonly SourceKind[] = ['camera', 'screen', 'file', 'test'];

interface Range {
  least: number;
  most: number;
  step: number;
  usual: number;
}

export const FPS: Range = { least: 1, most: 30, step: 1, usual: 25 };
export const QUALITY: Range = { least: 30, most: 95, step: 5, usual: 75 };
export const WIDTH: Range = { least: 320, most: 1920, step: 160, usual: 1280 };

export const DEFAULTS: Settings = {
  source: 'camera',
  name: null,
  mode: 'normal',
  fps: null,
  quality: null,
  widthPx: null,
  preview: true,
};

/** Reads an address's query. What is missing or makes no sense is the default. */
export function parseSettings(search: string): Settings {
  const query = new URLSearchParams(search);
  const name = query.get('name')?.trim() ?? '';
  return {
    source: SOURCES.find((kind) => kind === query.get('source')) ?? DEFAULTS.source,
    name: name === '' ? null : name,
    mode: query.get('mode') === 'enhanced' ? 'enhanced' : DEFAULTS.mode,
    fps: read(query.get('fps'), FPS),
    quality: read(query.get('quality'), QUALITY),
    widthPx: read(query.get('width'), WIDTH),
    preview: query.get('preview') !== 'off',
  };
}

/** The shortest query that gives these settings back, with its `?`, or nothing. */
export function formatSettings(settings: Settings): string {
  const { source, name, mode, fps, quality, widthPx, preview } = settings;
  const query = new URLSearchParams();
  if (source !== DEFAULTS.source) query.set('source', source);
  if (name !== null) query.set('name', name);
  if (mode !== DEFAULTS.mode) query.set('mode', mode);
  if (fps !== null) query.set('fps', String(fps));
  if (quality !== null) query.set('quality', String(quality));
  if (widthPx !== null) query.set('width', String(widthPx));
  if (!preview) query.set('preview', 'off');
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** One step up or down; the usual value is none of one's own. */
export function stepped(value: number | null, { least, most, step, usual }: Range, by: 1 | -1) {
  const next = Math.min(most, Math.max(least, (value ?? usual) + by * step));
  return next === usual ? null : next;
}

function read(text: string | null, { least, most, step, usual }: Range): number | null {
  const value = Number(text ?? '');
  const offered = value >= least && value <= most && Number.isInteger((value - least) / step);
  return offered && value !== usual ? value : null;
}

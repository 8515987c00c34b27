/** Left-top, right-top, right-bottom, left-bottom of the text, in pixels of the upright original. */
export type Polygon = [Point, Point, Point, Point];
export type Point = [x: number, y: number];

/** A line of text that was found. */
export interface Region {
  polygon: Polygon;
  text: string;
  /** 0 to 1. */
  confidence: number;
  /** From 1. */
  page: number;
}

export interface PageSize {
  page: number;
  width: number;
  height: number;
  /** Degrees by which it was turned clockwise to make its lines level. */
  skew: number;
}

/** What was read in a file; `GET /api/v1/jobs/{id}/files/{index}`. */
export interface Reading {
  file: string | null;
  format: string;
  model: string;
  provider: string | null;
  precision: { detection: string; recognition: string } | null;
  /** How it was read. */
  options: Record<string, unknown>;
  pages: PageSize[];
  regions: Region[];
  text: string;
  ms: Record<'wait' | 'decode' | 'prepare' | 'detect' | 'recognise' | 'total', number>;
}

/** A batch of files; `GET /api/v1/jobs/{id}`. */
export interface Job {
  id: string;
  state: 'running' | 'done' | 'cancelled';
  /** Unix time in seconds. */
  created: number;
  /** How its files are read, where that is not the usual. */
  options: Record<string, unknown>;
  files: number;
  done: number;
  failed: number;
  cancelled?: number;
  waiting: number;
  /** Being read now. */
  reading?: number;
  regions: number;
  characters: number;
  mean_confidence: number | null;
  /** How long it took, or has taken so far. */
  ms: number;
  files_per_s: number | null;
  left_s: number | null;
  /** Of how many files the pictures are kept. */
  keep: number;
}

export type FileState = 'waiting' | 'reading' | 'done' | 'failed' | 'cancelled';

/** One file of a job, without its text. */
export interface FileRow {
  index: number;
  name: string;
  bytes: number;
  state: FileState;
  error: string | null;
  pages: number | null;
  width: number | null;
  height: number | null;
  regions: number | null;
  confidence: number | null;
  ms: number | null;
  /** Its pixels are still there. */
  picture: boolean;
}

/** What reads text; part of `GET /api/v1/status`. */
export interface ReaderStatus {
  /** `idle`: nobody has asked yet, so nothing is loaded. */
  state: 'idle' | 'fetching' | 'loading' | 'ready' | 'failed';
  model: string;
  /** Why it failed. */
  error?: string | null;
  progress?: number | null;
  provider?: string | null;
  precision?: { detection: string; recognition: string } | string | null;
  sessions?: number;
  waiting?: number;
  reading?: number;
  pictures?: number;
}

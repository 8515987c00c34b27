import type { Document, Job, JobFiles } from 'sightwire/api';
import { askPicture, getJson, PATIENCE_MS, RequestError, sendJson } from './http';

/** How pictures are to be read, as it is sent to the server. */
export type OptionQuery = Record<string, string>;

/** The server gives a picture a minute at most, and a queue may be before it. */
const READ_PATIENCE_MS = 75_000;
const PICTURE_PATIENCE_MS = 60_000;
/** As many rows as come in one answer. */
export const ROWS_A_PAGE = 500;

export type ExportFormat = 'json' | 'csv' | 'text' | 'hocr';
export type FileFormat = ExportFormat | 'pdf' | 'annotated';

export const JOBS_PATH = '/api/v1/jobs';

function jobPath(id: string): string {
  return `${JOBS_PATH}/${encodeURIComponent(id)}`;
}

/** `after`: so many files that ended are known already. */
export function eventsPath(id: string, after: number): string {
  return `${jobPath(id)}/events?after=${after}`;
}

function filePath(id: string, index: number): string {
  return `${jobPath(id)}/files/${index}`;
}

/** A file's result to save; less sure lines are left out of it. */
export function fileExportPath(
  id: string,
  index: number,
  format: FileFormat,
  least: number,
): string {
  return `${filePath(id, index)}?${new URLSearchParams({ format, ...leastQuery(least) })}`;
}

/** The results of all files of a job to save. */
export function jobExportPath(id: string, format: ExportFormat, least: number): string {
  return `${jobPath(id)}/export?${new URLSearchParams({ format, ...leastQuery(least) })}`;
}

/** The same for programs that compare how well text is found; the server names the file. */
export function submissionPath(
  id: string,
  format: 'submission-csv' | 'submission-json',
  wish: { least: number; confidence: boolean; prefix: string },
): string {
  const query = new URLSearchParams({ format, ...leastQuery(wish.least) });
  if (wish.confidence) query.set('confidence', '1');
  if (wish.prefix !== '') query.set('prefix', wish.prefix);
  return `${jobPath(id)}/export?${query}`;
}

function leastQuery(least: number): Record<string, string> {
  return least > 0 ? { min_confidence: least.toFixed(2) } : {};
}

export interface PictureWish {
  side: number;
  page?: number;
  /** How the reader sees it; none: as it is. */
  prepared?: OptionQuery;
}

export function picturePath(id: string, index: number, wish: PictureWish): string {
  const query = new URLSearchParams({ side: String(wish.side), ...wish.prepared });
  if (wish.page !== undefined && wish.page !== 1) query.set('page', String(wish.page));
  return `${filePath(id, index)}/picture?${query}`;
}

export async function getJob(id: string, signal?: AbortSignal): Promise<Job> {
  return getJson<Job>(jobPath(id), signal, PATIENCE_MS);
}

export async function getRows(id: string, offset: number, signal?: AbortSignal): Promise<JobFiles> {
  const path = `${jobPath(id)}/files?offset=${offset}&limit=${ROWS_A_PAGE}`;
  return getJson(path, signal, PATIENCE_MS);
}

export async function getReading(
  id: string,
  index: number,
  signal: AbortSignal,
): Promise<Document> {
  return getJson<Document>(filePath(id, index), signal, PATIENCE_MS);
}

/** Reads a file again, another way; the new result takes the place of the old one. */
export async function readAgain(
  id: string,
  index: number,
  options: OptionQuery,
): Promise<Document> {
  const path = `${filePath(id, index)}/read?${new URLSearchParams(options)}`;
  const reading = await sendJson<Document>('POST', path, undefined, READ_PATIENCE_MS);
  if (reading === null) throw new RequestError(`POST ${path}: no result`);
  return reading;
}

export interface DisplayCopy {
  blob: Blob;
  /** Of the original, or of what became of it by its preparation, in px. */
  size: { width: number; height: number };
}

/** A display copy of a file's picture. */
export async function getPicture(path: string, signal: AbortSignal): Promise<DisplayCopy> {
  const answer = await askPicture({ path, signal, timeoutMs: PICTURE_PATIENCE_MS });
  if (answer.picture === null) throw new RequestError(`GET ${path}: no picture`);
  const side = (name: string) => Number(answer.headers.get(`x-sightwire-${name}`)) || 1;
  return { blob: answer.picture, size: { width: side('width'), height: side('height') } };
}

/** A running job is cancelled, another one removed with all its results. */
export async function endJob(id: string): Promise<void> {
  await sendJson('DELETE', jobPath(id));
}

import type { Result } from '../recognise/results';
import { csvLine, csvNumber, csvText } from './csv';

/** An hour at 25 predictions a second. */
export const MOST_ROWS = 90_000;
/** With many labels an hour would be too much for a phone; then it is less than an hour. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_CHUNK_ROWS = 1024;
const CHUNK_BYTES = 1024 * 1024;
const USUAL_PER_S = 25;

/** What one prediction takes beside its scores: time, label, score, delay, seen, model. */
const ROW_BYTES = 8 + 4 + 4 + 4 + 8 + 2;
const SCORE_BYTES = Float32Array.BYTES_PER_ELEMENT;

function rowBytes(labels: number): number {
  return ROW_BYTES + labels * SCORE_BYTES;
}

function chunkRows(labels: number): number {
  return Math.max(1, Math.min(MOST_CHUNK_ROWS, Math.floor(CHUNK_BYTES / rowBytes(labels))));
}

/** Predictions of one model, one after the other, in arrays of fixed size. */
interface Chunk {
  model: string;
  labels: readonly string[];
  rows: number;
  timesMs: Float64Array;
  /** Index into the recording's texts. */
  label: Uint32Array;
  score: Float32Array;
  delayMs: Float32Array;
  seen: Float64Array;
  /** `labels.length` to a row; NaN where the server sent none. */
  scores: Float32Array;
}

/**
 * Predictions to be saved as a CSV file. Bounded in rows and in memory; it grows as it is filled.
 *
 * One file holds them all, also through a change of the model: each row names its model, and the
 * score columns are those of all labels that any of them had. A model's rows leave the columns of
 * labels that it does not know empty.
 */
export class Recording {
  private readonly chunks: Chunk[] = [];
  private readonly texts: string[] = [];
  private readonly textAt = new Map<string, number>();
  private bytes = 0;
  private count = 0;
  private full = false;

  constructor(
    private readonly mostRows = MOST_ROWS,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  get rows(): number {
    return this.count;
  }

  get isFull(): boolean {
    return this.full;
  }

  /** From the first prediction to the last, ms. */
  get spanMs(): number {
    const first = this.chunks[0]?.timesMs[0];
    const chunk = this.chunks.at(-1);
    const last = chunk?.timesMs[chunk.rows - 1];
    return first === undefined || last === undefined ? 0 : Math.max(0, last - first);
  }

  /** How many seconds there is still room for at the usual rate, with a model of so many labels. */
  roomS(labels: number): number {
    if (this.full) return 0;
    const last = this.chunks.at(-1);
    const begun = last?.labels.length === labels ? chunkRows(labels) - last.rows : 0;
    const perChunk = chunkRows(labels) * rowBytes(labels);
    const chunks = Math.floor((this.mostBytes - this.bytes) / perChunk);
    const rows = Math.min(this.mostRows - this.count, begun + chunks * chunkRows(labels));
    return rows / USUAL_PER_S;
  }

  /** Adds a prediction. False if there is no room for it, now and from now on. */
  add(result: Result): boolean {
    if (this.full) return false;
    const chunk = this.chunkFor(result);
    if (chunk === null) {
      this.full = true;
      return false;
    }
    const row = chunk.rows;
    chunk.timesMs[row] = result.atMs;
    chunk.label[row] = this.text(result.label);
    chunk.score[row] = result.score;
    chunk.delayMs[row] = result.delayMs ?? Number.NaN;
    chunk.seen[row] = result.seen ?? Number.NaN;
    const width = chunk.labels.length;
    for (let n = 0; n < width; n += 1) {
      chunk.scores[row * width + n] = result.scores?.[n] ?? Number.NaN;
    }
    chunk.rows += 1;
    this.count += 1;
    return true;
  }

  /** The file in pieces, so that a long recording need not be written in one go. */
  *csv(): Generator<string> {
    const columns = this.columns();
    const scoreNames = columns.map((label) => csvText(`score_${label}`));
    yield csvLine(['time', 'label', 'score', 'delay_ms', 'seen', 'model', ...scoreNames]);
    const columnOf = new Map(columns.map((label, n) => [label, n]));
    for (const chunk of this.chunks) {
      yield this.lines(
        chunk,
        chunk.labels.map((label) => columnOf.get(label) ?? -1),
        columns.length,
      );
    }
  }

  /** The labels of all models, in the order in which they first came. */
  private columns(): string[] {
    return [...new Set(this.chunks.flatMap((chunk) => chunk.labels))];
  }

  private lines(chunk: Chunk, columnOf: readonly number[], columns: number): string {
    const model = csvText(chunk.model);
    const width = chunk.labels.length;
    let text = '';
    for (let row = 0; row < chunk.rows; row += 1) {
      const scores = Array.from({ length: columns }, () => '');
      for (let n = 0; n < width; n += 1) {
        scores[columnOf[n] ?? -1] = csvNumber(chunk.scores[row * width + n] ?? null, 4);
      }
      text += csvLine([
        new Date(chunk.timesMs[row] ?? 0).toISOString(),
        csvText(this.texts[chunk.label[row] ?? 0] ?? ''),
        csvNumber(chunk.score[row] ?? null, 4),
        csvNumber(chunk.delayMs[row] ?? null, 1),
        csvNumber(chunk.seen[row] ?? null, 0),
        model,
        ...scores,
      ]);
    }
    return text;
  }

  /** The chunk that takes this result, a new one where it must be; null if there is no room. */
  private chunkFor({ model }: Result): Chunk | null {
    if (this.count >= this.mostRows) return null;
    const name = model?.name ?? '';
    const labels = model?.labels ?? [];
    const room = chunkRows(labels.length);
    const last = this.chunks.at(-1);
    if (last !== undefined && last.rows < room && last.model === name) {
      if (last.labels === labels || last.labels.join('\n') === labels.join('\n')) return last;
    }
    const bytes = room * rowBytes(labels.length);
    if (this.bytes + bytes > this.mostBytes) return null;
    this.bytes += bytes;
    const chunk: Chunk = {
      model: name,
      labels,
      rows: 0,
      timesMs: new Float64Array(room),
      label: new Uint32Array(room),
      score: new Float32Array(room),
      delayMs: new Float32Array(room),
      seen: new Float64Array(room),
      scores: new Float32Array(room * labels.length),
    };
    this.chunks.push(chunk);
    return chunk;
  }

  private text(text: string): number {
    const known = this.textAt.get(text);
    if (known !== undefined) return known;
    this.textAt.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}

/** `sightwire-predictions-2026-11-20T10-31-07.csv`, in UTC like the times in it. */
export function fileName(at: Date): string {
  return `sightwire-predictions-${at.toISOString().slice(0, 19).replaceAll(':', '-')}.csv`;
}

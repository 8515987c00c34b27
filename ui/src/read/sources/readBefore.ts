import type { JobFile } from 'sightwire/api';
import type { OptionQuery } from '../../api/read';
import type { Picked } from './pick';

/** Of so many batches, the last ones, files are known. */
const MOST_BATCHES = 50;

/** Which files were read since the page was opened: those that come once more need not be. */
export class ReadBefore {
  /** Of each batch, the names in its list and what stands for the files. */
  private readonly sent = new Map<string, ReadonlyMap<string, string>>();
  /** What was read, and in which batch. */
  private readonly read = new Map<string, string>();

  send(job: string, files: readonly Picked[], query: OptionQuery): void {
    this.sent.set(job, new Map(files.map((one) => [one.name, keyOf(one, query)])));
    const [oldest] = this.sent.keys();
    if (this.sent.size <= MOST_BATCHES || oldest === undefined) return;
    this.sent.delete(oldest);
    for (const [key, from] of this.read) if (from === oldest) this.read.delete(key);
  }

  /** What became of the files of a batch. */
  learn(job: string, rows: readonly JobFile[]): void {
    for (const { name, state } of rows) {
      const key = this.sent.get(job)?.get(name);
      if (key !== undefined && state === 'done') this.read.set(key, job);
    }
  }

  /** Whether it was read in that way, in a batch that is still there. */
  has(one: Picked, query: OptionQuery, isThere: (job: string) => boolean): boolean {
    const job = this.read.get(keyOf(one, query));
    return job !== undefined && isThere(job);
  }
}

/** The same for the same file, unchanged, that is to be read in the same way. */
function keyOf({ file, name }: Picked, query: OptionQuery): string {
  const how = new URLSearchParams(query);
  how.delete('keep');
  return [name, file.size, file.lastModified, how].join('\n');
}

export const readBefore = new ReadBefore();

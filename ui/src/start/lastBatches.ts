import type { Job, SharedJob } from 'sightwire/api';
import { formatCount, formatDuration } from '../components/format';
import { files, finished, jobStanding, type Standing } from '../read/words';

/** A batch, whoever reads it. */
export interface Batch {
  key: string;
  /** What it is of, where that is known. */
  name: string | null;
  /** How large it is or how far, and how old. */
  text: string;
  standing: Standing;
  /** Where it is shown; null where no page shows it. */
  href: string | null;
}

interface Read {
  jobs: readonly Job[];
  /** Those that workers of the cluster read. */
  shared: readonly SharedJob[];
  /** Unix time in seconds. */
  nowS: number;
}

type Dated = Batch & { created: number; runs: boolean };

/** At most so many batches, those that run rather than others, the newest first. */
export function lastBatches({ jobs, shared, nowS }: Read, most: number): Batch[] {
  const all = [
    ...jobs.map((job) => ofServer(job, nowS)),
    ...shared.map((job) => ofWorkers(job, nowS)),
  ].toSorted((a, b) => b.created - a.created);
  return all
    .toSorted((a, b) => Number(b.runs) - Number(a.runs))
    .slice(0, most)
    .toSorted((a, b) => b.created - a.created);
}

function ofServer(job: Job, nowS: number): Dated {
  const runs = job.state === 'running';
  return {
    key: `server-${job.id}`,
    name: null,
    text: textOf({ ...job, finished: finished(job), runs }, nowS),
    standing: jobStanding(job),
    href: `/read?job=${encodeURIComponent(job.id)}`,
    created: job.created,
    runs,
  };
}

function ofWorkers(job: SharedJob, nowS: number): Dated {
  const runs = job.state === 'running';
  return {
    key: `workers-${job.id}`,
    name: job.name,
    text: textOf(
      { ...job, finished: job.done + job.failed + job.reading, runs, more: !job.all_found },
      nowS,
    ),
    standing: sharedStanding(job),
    href: null,
    created: job.created,
    runs,
  };
}

interface Progress {
  created: number;
  files: number;
  finished: number;
  runs: boolean;
  /** Folders are being searched still. */
  more?: boolean;
}

function textOf(
  { created, files: all, finished: ended, runs, more = false }: Progress,
  nowS: number,
): string {
  const ageS = nowS - created;
  const when = ageS < 60 ? 'just now' : `${formatDuration(ageS)} ago`;
  return `${runs ? `${formatCount(ended)} of ${more ? 'at least ' : ''}` : ''}${files(all)}, ${when}`;
}

function sharedStanding({ state, files: all, failed, reading, notes }: SharedJob): Standing {
  if (state === 'stopped') return { tone: 'off', icon: 'stop', word: 'stopped' };
  if (state === 'running') {
    // Notes of single workers do not matter while others read.
    return reading === 0 && notes !== undefined
      ? { tone: 'warn', icon: 'clock', word: 'waiting' }
      : { tone: 'busy', icon: 'eye', word: 'reading' };
  }
  if (failed === 0) return { tone: 'ok', icon: 'check', word: 'done' };
  return failed === all
    ? { tone: 'bad', icon: 'alert', word: 'failed' }
    : { tone: 'warn', icon: 'alert', word: `${formatCount(failed)} failed` };
}

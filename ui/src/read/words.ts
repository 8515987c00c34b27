import type { Job, JobFile } from 'sightwire/api';
import { formatCount, formatDuration } from '../components/format';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

export interface Standing {
  tone: Tone;
  icon: IconName;
  word: string;
}

export function rowStanding({ state }: JobFile): Standing {
  switch (state) {
    case 'waiting':
      return { tone: 'off', icon: 'clock', word: 'waiting' };
    case 'reading':
      return { tone: 'busy', icon: 'eye', word: 'reading' };
    case 'done':
      return { tone: 'ok', icon: 'check', word: 'done' };
    case 'failed':
      return { tone: 'bad', icon: 'alert', word: 'failed' };
    case 'cancelled':
      return { tone: 'off', icon: 'stop', word: 'cancelled' };
  }
}

export function jobStanding(job: Job): Standing {
  if (job.state === 'running') return { tone: 'busy', icon: 'eye', word: 'reading' };
  if (job.state === 'cancelled') return { tone: 'off', icon: 'stop', word: 'cancelled' };
  if (job.failed === 0) return { tone: 'ok', icon: 'check', word: 'done' };
  const all = job.failed === job.files;
  return {
    tone: all ? 'bad' : 'warn',
    icon: 'alert',
    word: all ? 'failed' : `${job.failed} failed`,
  };
}

export function files(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`;
}

/** How many files are behind it. */
export function finished(job: Job): number {
  return job.done + job.failed + job.cancelled;
}

/** What is worth knowing of a job, in the order of its worth. */
export function jobFacts(job: Job): string[] {
  const { done, failed, regions, mean_confidence, files_per_s, left_s } = job;
  const runs = job.state === 'running';
  return [
    runs ? `${formatCount(finished(job))} of ${files(job.files)}` : `${formatCount(done)} read`,
    // Afterwards the badge says it.
    ...(runs && failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(done > 0 ? [`${formatCount(regions)} ${regions === 1 ? 'line' : 'lines'}`] : []),
    ...(mean_confidence !== null && done > 0
      ? [`${(mean_confidence * 100).toFixed(1)} % confidence`]
      : []),
    ...(job.files > 1 && files_per_s > 0 ? [rate(files_per_s)] : []),
    ...(runs && left_s !== null ? [`${formatDuration(Math.max(1, left_s))} left`] : []),
    ...(runs ? [] : [`in ${took(job.ms)}`]),
  ];
}

function rate(filesPerS: number): string {
  if (filesPerS >= 9.95) return `${filesPerS.toFixed(0)} per second`;
  return filesPerS >= 1
    ? `${filesPerS.toFixed(1)} per second`
    : `${(filesPerS * 60).toFixed(0)} per minute`;
}

function took(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s`;
  return formatDuration(ms / 1000);
}

/** A job among others: how large, and how long ago. */
export function jobName(job: Job, nowS: number): string {
  const age = nowS - job.created;
  const when = age < 60 ? 'just now' : `${formatDuration(age)} ago`;
  return `${files(job.files)}, ${when}`;
}

/** What is told to screen readers when a job has changed; null: nothing. */
export function jobNews(before: Job | null, now: Job): string | null {
  if (before?.id !== now.id) {
    return now.state === 'running' ? `Reading ${files(now.files)}` : null;
  }
  if (before.state === now.state) return null;
  const failed = now.failed === 0 ? '' : `, ${formatCount(now.failed)} failed`;
  if (now.state === 'cancelled') return `Cancelled: ${formatCount(now.done)} read${failed}`;
  if (now.state === 'done')
    return `Done: ${formatCount(now.done)} of ${files(now.files)} read${failed}`;
  return null;
}

/** The server's reasons begin small and end without a stop. */
export function asSentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}

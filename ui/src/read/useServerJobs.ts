import { useMemo } from 'react';
import type { Job, Jobs } from 'sightwire/api';
import { Poll, usePoll } from '../api/poll';
import { JOBS_PATH } from '../api/read';

const EVERY_MS = 5000;

interface Stamped {
  jobs: Job[];
  /** When they came, Unix time in seconds. */
  nowS: number;
}

let atS = Date.now() / 1000;
const jobsPoll = new Poll<Jobs>(JOBS_PATH, () => {
  atS = Date.now() / 1000;
});

/** All jobs that the server still has, newest first. */
export function useServerJobs(): Stamped & { refresh: () => void } {
  const { answer } = usePoll(jobsPoll, EVERY_MS);
  return useMemo(() => {
    const jobs = (answer?.jobs ?? []).toSorted((a, b) => b.created - a.created);
    return { jobs, nowS: atS, refresh: jobsPoll.refresh };
  }, [answer]);
}

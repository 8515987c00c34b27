import type { SharedJob, SharedJobs } from 'sightwire/api';
import { Poll, usePoll } from './poll';

const EVERY_MS = 5000;
const NONE: readonly SharedJob[] = [];
const jobsPoll = new Poll<SharedJobs>('/api/v1/cluster/jobs');

/** The batches of workers that this user may see; none where the server knows no workers. */
export function useClusterJobs(hasWorkers: boolean): readonly SharedJob[] {
  return usePoll(hasWorkers ? jobsPoll : null, EVERY_MS)?.answer?.jobs ?? NONE;
}

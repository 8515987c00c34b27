import { useCallback, useSyncExternalStore } from 'react';
import type { SharedJob, SharedJobs } from 'sightwire/api';
import { Poll } from './poll';

const EVERY_MS = 5000;
const NONE: readonly SharedJob[] = [];
const NOTHING = () => () => undefined;

const poll = new Poll<SharedJobs>('/api/v1/cluster/jobs');
const jobs = () => poll.view().answer?.jobs ?? NONE;
const none = () => NONE;

/** The batches of workers that this user may see; none where the server knows no workers. */
export function useClusterJobs(hasWorkers: boolean): readonly SharedJob[] {
  const subscribe = useCallback(
    (changed: () => void) => (hasWorkers ? poll.watch(EVERY_MS, changed) : NOTHING()),
    [hasWorkers],
  );
  return useSyncExternalStore(subscribe, hasWorkers ? jobs : none);
}

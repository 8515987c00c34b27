import { useMemo, useSyncExternalStore } from 'react';
import { JobWatch, type JobView } from './jobWatch';

const NONE: JobView = { phase: 'loading', job: null, rows: [], cause: null };
const nobody = () => () => undefined;
const none = () => NONE;

/** The job with this id, kept up to date; null where there is none. */
export function useJob(id: string | null): [JobView, JobWatch | null] {
  const watch = useMemo(() => (id === null ? null : new JobWatch(id)), [id]);
  const view = useSyncExternalStore(watch?.watch ?? nobody, watch?.view ?? none);
  return [view, watch];
}

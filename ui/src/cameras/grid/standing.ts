import type { Stream } from 'sightwire/api';
import { formatDuration } from '../../components/format';

const NAMES: Record<Stream['state'], string> = {
  starting: 'Connecting for',
  running: 'Live for',
  stalled: 'Stalled for',
  frozen: 'Frozen for',
  ended: 'Over for',
};

/** How long a stream has been as it is. */
export function standing({
  state,
  reason,
  since_s,
}: Pick<Stream, 'state' | 'reason' | 'since_s'>): {
  name: string;
  value: string;
} {
  const failing = state === 'starting' && reason !== null;
  return { name: failing ? 'Failing for' : NAMES[state], value: formatDuration(since_s) };
}

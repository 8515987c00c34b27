import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';
import type { Snapshot } from './snapshot';

export interface Words {
  tone: Tone;
  icon: IconName;
  word: string;
}

/** The state of the whole way from picture to server, in one to three words. */
export function broadcastWords({ phase, stream, stillMs, problem }: Snapshot): Words {
  if (phase === 'opening') return { tone: 'busy', icon: 'clock', word: 'opening' };
  if (phase === 'problem') {
    if (problem?.id === 'name-taken') return { tone: 'bad', icon: 'full', word: 'name taken' };
    if (problem?.id === 'ended') return { tone: 'off', icon: 'stop', word: 'ended' };
    return { tone: 'bad', icon: 'alert', word: 'error' };
  }
  switch (stream.state) {
    case 'connecting':
      return stream.why === null
        ? { tone: 'busy', icon: 'clock', word: 'connecting' }
        : { tone: 'warn', icon: 'retry', word: 'reconnecting' };
    case 'waiting':
      return stream.retryAtMs === null
        ? { tone: 'warn', icon: 'pause', word: 'waiting for a frame' }
        : { tone: 'warn', icon: 'retry', word: 'reconnecting' };
    case 'live':
      return stillMs === null
        ? { tone: 'ok', icon: 'live', word: 'live' }
        : { tone: 'warn', icon: 'pause', word: `stalled ${Math.floor(stillMs / 1000)} s` };
    default:
      return { tone: 'off', icon: 'stop', word: 'not sharing' };
  }
}

import type { IconName } from '../../components/Icon';
import type { Tone } from '../../components/StateBadge';
import type { Snapshot } from '../snapshot';

export interface Words {
  tone: Tone;
  icon: IconName;
  word: string;
}

type Stand = Pick<Snapshot, 'phase' | 'connection' | 'pictureAgeMs' | 'answerAgeMs'>;

/** The state of the whole way from picture to answer, in one or two words. */
export function connectionWords(stand: Stand): Words {
  const { phase, connection, pictureAgeMs, answerAgeMs } = stand;
  if (phase === 'paused') return { tone: 'off', icon: 'pause', word: 'paused' };
  switch (connection.state) {
    case 'idle':
      return phase === 'starting'
        ? { tone: 'busy', icon: 'clock', word: 'starting' }
        : { tone: 'off', icon: 'plug', word: 'not connected' };
    case 'connecting':
      return { tone: 'busy', icon: 'clock', word: 'connecting' };
    case 'reconnecting':
      return { tone: 'warn', icon: 'retry', word: 'reconnecting' };
    case 'full':
      return { tone: 'warn', icon: 'full', word: 'server full' };
    case 'disconnected':
      return { tone: 'bad', icon: 'plug', word: 'disconnected' };
    case 'live':
      break;
  }
  const ageMs = answerAgeMs ?? pictureAgeMs;
  if (ageMs === null) return { tone: 'ok', icon: 'live', word: 'live' };
  const word = answerAgeMs === null ? 'frozen' : 'stalled';
  return { tone: 'warn', icon: 'clock', word: `${word} ${Math.floor(ageMs / 1000)} s` };
}

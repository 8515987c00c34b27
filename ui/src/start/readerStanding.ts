import type { ReaderStatus } from 'sightwire/api';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

/** What the reader is doing, as a badge. */
export function readerStanding(reader: ReaderStatus | undefined): {
  tone: Tone;
  icon: IconName;
  word: string;
} {
  switch (reader?.state) {
    case undefined:
      return { tone: 'off', icon: 'clock', word: 'checking' };
    case 'idle':
      return { tone: 'off', icon: 'pause', word: 'not loaded' };
    case 'fetching':
      return { tone: 'busy', icon: 'download', word: 'downloading' };
    case 'loading':
      return { tone: 'busy', icon: 'clock', word: 'loading' };
    case 'failed':
      return { tone: 'bad', icon: 'alert', word: 'failed' };
    case 'ready':
      return reader.reading > 0
        ? { tone: 'busy', icon: 'eye', word: 'reading' }
        : { tone: 'ok', icon: 'check', word: 'ready' };
  }
}

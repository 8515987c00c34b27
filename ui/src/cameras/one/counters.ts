import type { PictureQuality, Stream, Viewer } from 'sightwire/api';
import { formatBytes, formatCount } from '../../components/format';

export interface Fact {
  name: string;
  value: string;
  /** What it means, where it is not as it should be. */
  note: string | null;
}

/** What came from the camera since it was opened, in words. */
export function counters(stream: Stream): Fact[] {
  const { pictures, bytes, broken, skipped_bytes, wrong_lengths, connects } = stream;
  return [
    fact('Frames', `${formatCount(pictures)}, ${formatBytes(bytes)}`),
    fact('Size', size(stream)),
    fact(
      'Damaged frames',
      formatCount(broken),
      broken > 0 && 'Cut off or damaged on the way, and discarded.',
    ),
    fact(
      'Bytes ignored',
      formatCount(skipped_bytes),
      skipped_bytes > 0 && 'They arrived between frames and belong to none.',
    ),
    fact(
      'Wrong lengths',
      formatCount(wrong_lengths),
      wrong_lengths > 0 && 'The camera announces wrong lengths; its frames are found anyway.',
    ),
    fact(
      'Connections',
      formatCount(connects),
      connects > 1 &&
        'The connection was lost and restored. Often the network or the power supply is weak.',
    ),
  ];
}

/** What a viewer lost lately, in words. */
export function lossWords(lostPercent: number): string {
  if (lostPercent <= 0) return 'none';
  return `${lostPercent < 9.95 ? lostPercent.toFixed(1) : lostPercent.toFixed(0)} %`;
}

export function qualityWords(quality: PictureQuality): string {
  if (quality === 'original') return 'original';
  return quality < 85 ? `${quality}, reduced` : `${quality}`;
}

function fact(name: string, value: string, note: string | false = false): Fact {
  return { name, value, note: note === false ? null : note };
}

function size({ width, height, bytes_per_s }: Stream): string {
  if (width === null || height === null) return 'not yet known';
  return `${width} × ${height}, ${formatBytes(bytes_per_s)} per s`;
}

/** What a viewer gets. */
export function whatWords({ kind, endpoint }: Viewer): string {
  if (kind === 'events') return 'results as events';
  return kind === 'websocket' ? 'results over WebSocket' : endpoint;
}

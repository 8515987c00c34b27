import type { Stream } from 'sightwire/api';
import { formatDuration } from '../../components/format';
import type { LiveView } from '../pictures/livePicture';
import { cameraWords, type StreamWords, streamWords, UNANSWERED } from '../state/streamWords';

/** A picture of a live camera that is older than this is said to be old. */
const LATE_MS = 3000;

/**
 * The large picture in words: what the camera does, and what its way to this page does. `silent`:
 * the server does not answer; `broken`: the share of pictures that arrive broken.
 */
export function pictureWords(
  stream: Stream | null,
  live: LiveView,
  silent: boolean,
  broken = 0,
): StreamWords {
  const age = live.ageMs === null ? null : formatDuration(live.ageMs / 1000);
  const banner = age === null ? null : `This frame is ${age} old`;
  if (silent) {
    const text = 'It was stopped, or the network is down. Retrying automatically.';
    return { ...UNANSWERED, text, banner };
  }
  const camera = stream === null ? null : streamWords(stream, broken);
  if (camera !== null && !camera.live && stream?.state !== 'starting') return camera;
  if (live.phase === 'failed' && live.failure !== null) {
    // A camera that cannot be reached says so itself, and when it is tried again.
    if (camera?.tone === 'bad') return camera;
    return { ...cameraWords({ stream: null }, live.failure), banner };
  }
  if (live.phase !== 'playing') return cameraWords({ stream: null }, null);
  if (camera === null) return { ...cameraWords({ stream: null }, null), banner };
  if (camera.live && live.ageMs !== null && live.ageMs > LATE_MS) {
    return {
      ...{ tone: 'warn', icon: 'pause', word: `delayed ${age ?? ''}` },
      text: 'The camera is live, but its frames do not reach this page. The network may be too slow.',
      live: false,
      banner,
    };
  }
  return camera;
}

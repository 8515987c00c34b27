import { CAMERA_OPENING, FILE_OPENING, type KindWords } from '../../capture/kindWords';
import type { SourceKind } from '../logic/settings';
import { knownSigns } from './knownSigns';

/** In the order of the choice. */
export function kindsOf(gesture: string, labels: readonly string[]): Record<SourceKind, KindWords> {
  return {
    camera: {
      icon: 'camera',
      name: 'Camera',
      title: 'Show a sign to your camera',
      text: `${knownSigns(labels)} Frames are sent only to this server and are not stored.`,
      start: 'Start the camera',
      needsHttps: 'a camera',
      hasOtherWay: true,
      opening: CAMERA_OPENING,
    },
    file: {
      icon: 'file',
      name: 'Video file',
      title: 'Play a video file',
      text: 'Choose a file, or drop it here. It plays in a loop; the file stays on your machine, only small frames are sent.',
      start: 'Choose a file',
      hasOtherWay: true,
      opening: FILE_OPENING,
    },
    sample: {
      icon: 'clip',
      name: 'Generated clip',
      title: `A generated clip: “${gesture}”`,
      text: 'The server draws a moving hand. Its frames are sent in the same way as a camera’s.',
      start: 'Play the clip',
      opening: { title: 'The server is drawing the clip' },
    },
  };
}

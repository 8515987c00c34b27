import { CAMERA_OPENING, FILE_OPENING, type KindWords } from '../../capture/kindWords';
import type { SourceKind } from '../settings';

/** In the order of the choice. */
export const KINDS: Record<SourceKind, KindWords> = {
  camera: {
    icon: 'camera',
    name: 'Camera',
    title: 'Share your camera',
    text: 'Any number of pages and programs can watch it under the name you give it. Frames are sent to this server and are not stored.',
    start: 'Start the camera',
    needsHttps: 'a camera',
    hasOtherWay: true,
    opening: CAMERA_OPENING,
  },
  screen: {
    icon: 'system',
    name: 'Screen',
    title: 'Share a screen, a window or a tab',
    text: 'The browser asks what to share. Viewers see everything on it.',
    start: 'Choose what to share',
    needsHttps: 'a screen',
    opening: {
      title: 'Waiting for your choice',
      text: 'The browser asks which screen, window or tab.',
    },
  },
  file: {
    icon: 'file',
    name: 'Video file',
    title: 'Share a video file',
    text: 'Choose a file, or drop it on this page. It plays in a loop; the file stays on your machine, only its frames are sent.',
    start: 'Choose a file',
    hasOtherWay: true,
    opening: FILE_OPENING,
  },
  test: {
    icon: 'clip',
    name: 'Test pattern',
    title: 'A moving test pattern',
    text: 'This page draws it: a ball, a clock with tenths of a second, the stream’s name. It is sent in the same way as a camera’s frames.',
    start: 'Share the test pattern',
  },
};

/** Where a person has ended it outside of the page. */
export const SCREEN_ENDED: KindWords = { ...KINDS.screen, title: 'The screen is no longer shared' };

import type { IconName } from '../components/Icon';

/** What is said of one kind of source. */
export interface KindWords {
  icon: IconName;
  /** In the choice of sources. */
  name: string;
  /** While nothing runs: what it is, and what becomes of its pictures. */
  title: string;
  text: string;
  /** The button that starts it; a file is chosen with it. */
  start: string;
  /** What browsers give only to pages that come over HTTPS. */
  needsHttps?: 'a camera' | 'a screen';
  /** The way without a camera is offered beside it. */
  hasOtherWay?: boolean;
  /** While it opens, unless that takes no time. */
  opening?: { title: string; text?: string };
}

export const CAMERA_OPENING = {
  title: 'Waiting for the camera',
  text: 'If the browser asks, allow this page to use it.',
};
export const FILE_OPENING = { title: 'Opening the file' };

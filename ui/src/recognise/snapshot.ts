import type { Model } from 'sightwire';
import type { Problem } from '../capture/problem';
import { type Connection, IDLE } from './logic/connection';
import type { HandView } from './logic/hands';
import type { SourceKind } from './logic/settings';
import { NO_NUMBERS, type Numbers } from './numbers';

/** What the page shows, refreshed a few times a second and at every change of state. */
export interface Snapshot {
  /** `starting` until the first picture, `paused` while the page is hidden. */
  phase: 'idle' | 'starting' | 'running' | 'paused' | 'problem';
  kind: SourceKind | null;
  /** Shows the source's pictures; null while there are none. */
  element: HTMLVideoElement | HTMLCanvasElement | null;
  problem: Problem | null;
  connection: Connection;
  model: Model | null;
  /** The label to read, steadied against flicker; null before the first answer. */
  label: string | null;
  /** Score of the newest result with that label; of the likeliest class where the label is `none`. */
  score: number | null;
  numbers: Numbers;
  /** How long there has been no new picture, and no answer, where that is unusual; else null. */
  pictureAgeMs: number | null;
  answerAgeMs: number | null;
  /** Motions count only once they are armed. */
  arming: boolean;
  /** What hands do, where the model knows hands; else null. */
  hands: HandView | null;
}

export const NOTHING: Snapshot = {
  phase: 'idle',
  kind: null,
  element: null,
  problem: null,
  connection: IDLE,
  model: null,
  label: null,
  score: null,
  numbers: NO_NUMBERS,
  pictureAgeMs: null,
  answerAgeMs: null,
  arming: false,
  hands: null,
};

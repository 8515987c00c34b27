import type { StreamerSnapshot } from 'sightwire/relay';
import type { Problem } from '../capture/problem';
import type { SourceKind } from './settings';

/** How the numbers went, oldest first, twice a second. */
export interface History {
  fps: readonly number[];
  bytes: readonly number[];
}

export const NO_HISTORY: History = { fps: [], bytes: [] };

/** What the page shows, renewed twice a second and at every change of state. */
export interface Snapshot {
  /** `opening`: the browser asks for the source. `problem`: nothing runs until the next start. */
  phase: 'idle' | 'opening' | 'on' | 'problem';
  kind: SourceKind | null;
  /** Shows the source's pictures; null while there are none. */
  element: HTMLVideoElement | HTMLCanvasElement | null;
  problem: Problem | null;
  /** It ended because the person ended it outside of this page. */
  endedOutside: boolean;
  stream: StreamerSnapshot;
  /** For how long no picture has left although it is live, where that is unusual; else null. */
  stillMs: number | null;
  /** The share of pictures that were left out in the last seconds, 0 to 1; null before the first. */
  leftOut: number | null;
  history: History;
}

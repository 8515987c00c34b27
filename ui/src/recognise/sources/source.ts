import type { SourceSink } from '../../capture/video';
import type { SourceKind } from '../logic/settings';

/** What is sent: models look at far less, and this is what the old clients send. */
export const FRAME_WIDTH = 640;
export const FRAME_HEIGHT = 480;

/** Where pictures come from. Its element shows them. */
export interface Source {
  readonly kind: SourceKind;
  readonly element: HTMLVideoElement | HTMLCanvasElement;
  /** Begins, or begins again after `stop`. Fails with a `SourceFailure` or a `RecognizerError`. */
  start(sink: SourceSink): void | Promise<void>;
  /** Lets go of everything: camera, file, memory. */
  stop(): void;
}

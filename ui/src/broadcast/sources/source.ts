import type { StreamerSource } from 'sightwire/relay';
import type { SourceKind } from '../settings';

/** Where pictures come from. Its element shows them. */
export interface Source {
  readonly kind: SourceKind;
  readonly element: HTMLVideoElement | HTMLCanvasElement;
  /**
   * Opens it, and gives what a streamer reads. `ended` is told once if it ends by itself: with an
   * error, or with null where a person has ended it outside of the page.
   */
  open(ended: (error: unknown) => void): Promise<StreamerSource>;
  /** Pictures are wanted at this width, as far as the source has them. */
  resize(widthPx: number): void;
  /** Lets go of everything: camera, screen, file. */
  close(): void;
}

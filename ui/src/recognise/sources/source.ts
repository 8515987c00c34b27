import type { Picture } from '../encoder';
import type { Problem } from '../logic/problems';
import type { SourceKind } from '../logic/settings';

export interface SourceEvents {
  /**
   * A new picture is on the screen. `atMs` is in `performance.now()` time; `cut` says that it does
   * not follow the one before: the source has begun, or begun anew.
   */
  picture(picture: Picture, atMs: number, cut: boolean): void;
  /** The source ended by itself, and why. */
  problem(problem: Problem): void;
}

/** Where pictures come from. Its element shows them. */
export interface Source {
  readonly kind: SourceKind;
  readonly element: HTMLVideoElement | HTMLCanvasElement;
  /** Begins, or begins again after `stop`. Throws a `SourceFailure`. */
  start(events: SourceEvents): Promise<void>;
  /** Lets go of everything: camera, file, memory. */
  stop(): void;
}

/** Why a source could not start, in words for a person. */
export class SourceFailure extends Error {
  override name = 'SourceFailure';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.cause);
    this.problem = problem;
  }
}

/** A mistake or failure as a person understands it. */
export interface Problem {
  /** Stable name, for tests and styles. */
  id: string;
  title: string;
  text: string;
  /** What to do, in order of promise. */
  steps: readonly string[];
  /** The technical cause, for whoever is asked for help. */
  cause: string;
}

/** Why a source of this page could not start or go on, in words for a person. */
export class SourceFailure extends Error {
  override name = 'SourceFailure';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.cause);
    this.problem = problem;
  }
}

export function fileProblem(name: string, cause: string): Problem {
  return {
    id: 'file-unsupported',
    title: 'This browser cannot play that file',
    text: `“${name}” has no video, or its format is not supported by the browser.`,
    steps: ['Most browsers play MP4 with H.264, and WebM.', 'Choose another file.'],
    cause,
  };
}

/** An error as it is told in `cause`. */
export function causeOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

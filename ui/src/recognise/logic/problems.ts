import { RecognizerError } from 'sightwire';

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

/** What ended the session, and what can still be done on this page. */
export function problemOf(error: RecognizerError): Problem {
  const camera = error.code.startsWith('camera-');
  return {
    id: error.code,
    title: error.message,
    text: error.advice,
    steps: camera ? ['A video file and the generated clip work without a camera.'] : [],
    cause: error.cause,
  };
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

export function sampleProblem(error: unknown): Problem {
  return {
    id: 'sample-failed',
    title: 'The generated clip could not be loaded',
    text: 'The server generates it on request, but did not return one.',
    steps: ['Check that the server is running, then try again.'],
    cause: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  };
}

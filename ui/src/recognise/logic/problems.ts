import type { RecognizerError } from 'sightwire';
import { causeOf, type Problem } from '../../capture/problem';

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

export function sampleProblem(error: unknown): Problem {
  return {
    id: 'sample-failed',
    title: 'The generated clip could not be loaded',
    text: 'The server generates it on request, but did not return one.',
    steps: ['Check that the server is running, then try again.'],
    cause: causeOf(error),
  };
}

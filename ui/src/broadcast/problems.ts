import { RecognizerError, type StreamerSnapshot } from 'sightwire/relay';
import { causeOf, type Problem, SourceFailure } from '../capture/problem';
import type { SourceKind } from './settings';

const TAKEN = 4090;

/** What kept a source from starting, in words for a person. */
export function sourceProblem(kind: SourceKind, error: unknown): Problem {
  if (error instanceof SourceFailure) return error.problem;
  if (kind === 'screen') return screenProblem(error);
  if (error instanceof RecognizerError) {
    return {
      id: error.code,
      title: error.message,
      text: error.advice,
      steps: ['A video file and the test pattern work without a camera.'],
      cause: error.cause,
    };
  }
  return {
    id: 'source-failed',
    title: 'The video source failed',
    text: 'Check the cause, then start again.',
    steps: [],
    cause: causeOf(error),
  };
}

/** A name that is none; nobody is asked for a camera then. */
export function badName(name: string, why: string): Problem {
  return {
    id: 'name-refused',
    title: 'This name cannot be used',
    text: why,
    steps: [],
    cause: JSON.stringify(name),
  };
}

/** Null where the server did not refuse or end the stream. */
export function streamProblem({ state, code, why, cause }: StreamerSnapshot): Problem | null {
  if (state !== 'refused' && state !== 'ended') return null;
  const taken = code === TAKEN;
  return {
    id: taken ? 'name-taken' : state === 'refused' ? 'name-refused' : 'ended',
    title: taken
      ? 'This name is taken'
      : state === 'refused'
        ? 'The server refuses this name'
        : code === null
          ? 'The source ended'
          : 'The stream was ended',
    text: why ?? '',
    steps: [],
    cause: cause ?? '',
  };
}

function screenProblem(error: unknown): Problem {
  const name = error instanceof Error ? error.name : '';
  const say = (id: string, title: string, text: string): Problem => ({
    id,
    title,
    text,
    steps: [],
    cause: causeOf(error),
  });
  switch (name) {
    case 'NotAllowedError':
      return say(
        'screen-denied',
        'Nothing was shared',
        'Start again, and choose a screen, a window or a tab. If the browser does not ask, allow screen recording in the system settings.',
      );
    case 'NotSupportedError':
      return say(
        'screen-unsupported',
        'This browser cannot share a screen',
        window.isSecureContext
          ? 'Most phones cannot. Use a camera, a video file or the test pattern.'
          : 'Browsers allow screen sharing only on HTTPS pages and on http://localhost.',
      );
    default:
      return say(
        'screen-failed',
        'The screen could not be shared',
        'Start again, or choose another window.',
      );
  }
}

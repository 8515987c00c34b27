/** What can go wrong. Codes stay; words may change. */
export type ErrorCode =
  | 'bad-url'
  | 'bad-name'
  | 'mixed-content'
  | 'camera-insecure'
  | 'camera-denied'
  | 'camera-missing'
  | 'camera-busy'
  | 'camera-gone'
  | 'camera-failed'
  | 'camera-stopped'
  | 'source-failed'
  | 'encoder-failed'
  | 'server-full'
  | 'sent-away'
  | 'connection-lost'
  | 'unreachable';

/** A failure in words for a person: `message` says what happened, `advice` what to do about it. */
export class RecognizerError extends Error {
  override name = 'RecognizerError';
  readonly code: ErrorCode;
  readonly advice: string;
  /** The technical reason, for whoever is asked for help. */
  override readonly cause: string;

  constructor(code: ErrorCode, message: string, advice: string, cause: unknown = '') {
    super(message);
    this.code = code;
    this.advice = advice;
    this.cause = causeOf(cause);
  }
}

export function causeOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** What to tell a person when `getUserMedia` failed with `error`. */
export function cameraError(error: unknown): RecognizerError {
  const say = (code: ErrorCode, message: string, advice: string) =>
    new RecognizerError(code, message, advice, error);
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return say(
        'camera-denied',
        'Camera access was denied',
        'Click the camera icon in the address bar and allow the camera. Also check the system’s privacy settings. Then try again.',
      );
    case 'NotFoundError':
      return say('camera-missing', 'No camera was found', 'Connect a camera and try again.');
    case 'NotReadableError':
    case 'AbortError':
      return say(
        'camera-busy',
        'The camera is in use or does not start',
        'Close other programs and pages that use the camera, and try again.',
      );
    case 'OverconstrainedError':
      return say(
        'camera-gone',
        'The chosen camera is not available',
        'Choose another camera, or connect this one, and try again.',
      );
    default:
      return say(
        'camera-failed',
        'The camera could not be opened',
        'Try again, or use another camera.',
      );
  }
}

export function insecureError(origin: string): RecognizerError {
  return new RecognizerError(
    'camera-insecure',
    'The browser does not allow this page to use a camera',
    'Browsers allow cameras only on HTTPS pages and on http://localhost.',
    `${origin} is not a secure context`,
  );
}

export function cameraStopped(): RecognizerError {
  return new RecognizerError(
    'camera-stopped',
    'The camera stopped',
    'Connect or allow it again, then try again.',
    'the video track ended',
  );
}

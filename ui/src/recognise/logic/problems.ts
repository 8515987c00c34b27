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

interface CameraContext {
  /** `window.isSecureContext` and `navigator.mediaDevices` exist. */
  supported: boolean;
  origin: string;
}

function causeOf(error: unknown): { name: string; cause: string } {
  if (error instanceof Error || error instanceof DOMException) {
    return { name: error.name, cause: `${error.name}: ${error.message}` };
  }
  return { name: '', cause: String(error) };
}

/** What to tell a person when the camera cannot be opened. */
export function cameraProblem(error: unknown, context: CameraContext): Problem {
  if (!context.supported) {
    return {
      id: 'camera-insecure',
      title: 'The browser keeps its camera from this page',
      text: 'Browsers lend cameras only to pages from this machine or over https.',
      steps: [
        'On the machine that runs Sightwire, open the page as http://localhost.',
        'From another machine, put Sightwire behind a proxy with https.',
        'A video file and the generated clip work here all the same.',
      ],
      cause: `navigator.mediaDevices is missing; origin ${context.origin} is not a secure context`,
    };
  }
  const { name, cause } = causeOf(error);
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return {
        id: 'camera-denied',
        title: 'The camera is not allowed here',
        text: 'This page, the browser or the system does not let Sightwire use the camera.',
        steps: [
          'Press the camera or lock sign beside the address and allow the camera.',
          'Look in the system’s privacy settings whether the browser may use the camera.',
          'Then try again.',
        ],
        cause,
      };
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return {
        id: 'camera-missing',
        title: 'No camera was found',
        text: 'The browser knows of no camera on this machine.',
        steps: ['Plug a camera in and try again.', 'Or use a video file or the generated clip.'],
        cause,
      };
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return {
        id: 'camera-busy',
        title: 'The camera is in use or does not start',
        text: 'Another program or page seems to hold it.',
        steps: [
          'Close other programs and pages that show the camera, then try again.',
          'If nothing else uses it, unplug it and plug it in again.',
        ],
        cause,
      };
    case 'OverconstrainedError':
      return {
        id: 'camera-gone',
        title: 'The chosen camera is not there any more',
        text: 'It was unplugged, or the browser gave it a new name.',
        steps: ['Choose another camera, or plug it in and try again.'],
        cause,
      };
    default:
      return {
        id: 'camera-failed',
        title: 'The camera could not be opened',
        text: 'The browser gave a reason that this page does not know.',
        steps: ['Try again.', 'Try another camera, or a video file.'],
        cause,
      };
  }
}

/** The camera worked and then stopped by itself. */
export const CAMERA_STOPPED: Problem = {
  id: 'camera-stopped',
  title: 'The camera stopped',
  text: 'It was unplugged, or the browser took it away.',
  steps: ['Plug it in or allow it again, then try again.'],
  cause: 'the video track ended',
};

export function fileProblem(name: string, cause: string): Problem {
  return {
    id: 'file-unsupported',
    title: 'This browser cannot play that file',
    text: `“${name}” holds no picture, or one in a format that the browser does not know.`,
    steps: ['Most browsers play MP4 with H.264, and WebM.', 'Choose another file.'],
    cause,
  };
}

export function sampleProblem(error: unknown): Problem {
  return {
    id: 'sample-failed',
    title: 'The generated clip did not arrive',
    text: 'The server makes it on request, and did not answer with one.',
    steps: ['Look whether the server still runs, then try again.'],
    cause: causeOf(error).cause,
  };
}

export function encoderProblem(error: unknown): Problem {
  return {
    id: 'encoder-failed',
    title: 'This browser could not turn the picture into a JPEG',
    text: 'Nothing can be sent without that.',
    steps: ['Try again, or use a newer browser.'],
    cause: causeOf(error).cause,
  };
}

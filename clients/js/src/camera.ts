import { cameraError, insecureError } from './errors.js';

/**
 * Opens a camera, or fails with a `RecognizerError`. If there is none that is as it was asked for
 * (one that is not plugged in today), any other is better than none.
 */
export async function openCamera(constraints: MediaTrackConstraints = {}): Promise<MediaStream> {
  // Missing on pages without https, whatever the type says.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!isSecureContext || devices === undefined) throw insecureError(location.origin);
  const usual = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  try {
    return await devices.getUserMedia({ video: { ...usual, ...constraints } });
  } catch (error) {
    const gone = error instanceof Error && error.name === 'OverconstrainedError';
    if (!gone) throw cameraError(error);
  }
  return devices.getUserMedia({ video: usual }).catch((error: unknown) => {
    throw cameraError(error);
  });
}

import { FRAME_HEIGHT, FRAME_WIDTH } from '../encoder';
import { CAMERA_STOPPED, cameraProblem } from '../logic/problems';
import { type Source, type SourceEvents, SourceFailure } from './source';
import { createVideo, watchVideo } from './videoPictures';

const CHOICE_KEY = 'sightwire.camera';

/** The camera that this browser used last; empty means the browser's own choice. */
export function rememberedCamera(): string {
  try {
    return localStorage.getItem(CHOICE_KEY) ?? '';
  } catch {
    return '';
  }
}

export function rememberCamera(deviceId: string): void {
  try {
    localStorage.setItem(CHOICE_KEY, deviceId);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

export function cameraSupported(): boolean {
  return window.isSecureContext && 'mediaDevices' in navigator;
}

/** The cameras that the browser tells of. Their names are empty until one was allowed. */
export async function listCameras(): Promise<MediaDeviceInfo[]> {
  if (!cameraSupported()) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === 'videoinput' && device.deviceId !== '');
}

async function openCamera(deviceId: string): Promise<MediaStream> {
  if (!cameraSupported()) throw new TypeError('navigator.mediaDevices is undefined');
  const size = { width: { ideal: FRAME_WIDTH }, height: { ideal: FRAME_HEIGHT } };
  const video = { ...size, frameRate: { ideal: 30 } };
  if (deviceId === '') return navigator.mediaDevices.getUserMedia({ video });
  try {
    const exact = { ...video, deviceId: { exact: deviceId } };
    return await navigator.mediaDevices.getUserMedia({ video: exact });
  } catch (error) {
    // The remembered camera is not plugged in today: any other is better than none.
    const gone = error instanceof Error && error.name === 'OverconstrainedError';
    if (!gone) throw error;
    return navigator.mediaDevices.getUserMedia({ video });
  }
}

export class CameraSource implements Source {
  readonly kind = 'camera';
  readonly element = createVideo();
  private stream: MediaStream | null = null;
  private unwatch: (() => void) | null = null;
  private generation = 0;

  constructor(private readonly deviceId: string) {}

  async start(events: SourceEvents): Promise<void> {
    this.stop();
    const { generation } = this;
    let stream: MediaStream;
    try {
      stream = await openCamera(this.deviceId);
    } catch (error) {
      const context = { supported: cameraSupported(), origin: location.origin };
      throw new SourceFailure(cameraProblem(error, context));
    }
    // Stopped while the person was still being asked: the camera must not stay on.
    if (generation !== this.generation) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.stream = stream;
    stream.getVideoTracks()[0]?.addEventListener('ended', () => {
      if (this.stream === stream) events.problem(CAMERA_STOPPED);
    });
    this.element.srcObject = stream;
    this.unwatch = watchVideo(this.element, events);
    await this.element.play().catch(() => undefined);
  }

  stop(): void {
    this.generation += 1;
    this.unwatch?.();
    this.unwatch = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.element.srcObject = null;
  }
}

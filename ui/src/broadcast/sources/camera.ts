import { openCamera, type StreamerSource } from 'sightwire/relay';
import { createVideo } from '../../capture/video';
import type { Source } from './source';

/** Pictures as wide as they are sent; cameras have them in this shape. */
function shape(widthPx: number): MediaTrackConstraints {
  return { width: { ideal: widthPx }, height: { ideal: (widthPx * 9) / 16 } };
}

export class CameraSource implements Source {
  readonly kind = 'camera';
  readonly element = createVideo();
  private stream: MediaStream | null = null;
  private closed = false;

  constructor(
    private readonly deviceId: string,
    private readonly widthPx: number,
  ) {}

  async open(): Promise<StreamerSource> {
    const chosen = this.deviceId === '' ? {} : { deviceId: { exact: this.deviceId } };
    const stream = await openCamera({ ...shape(this.widthPx), ...chosen });
    this.stream = stream;
    // Closed while the person was still being asked: the camera must not stay on.
    if (this.closed) {
      this.close();
      return stream;
    }
    this.element.srcObject = stream;
    void this.element.play().catch(() => undefined);
    return stream;
  }

  resize(widthPx: number): void {
    const track = this.stream?.getVideoTracks()[0];
    // One that has no such size goes on with the one it has.
    track?.applyConstraints(shape(widthPx)).catch(() => undefined);
  }

  close(): void {
    this.closed = true;
    this.element.srcObject = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }
}

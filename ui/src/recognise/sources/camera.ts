import { StreamSource } from 'sightwire';
import { createVideo } from '../../capture/video';
import type { SourceSink } from '../../capture/video';
import type { Source } from './source';

export class CameraSource implements Source {
  readonly kind = 'camera';
  readonly element = createVideo();
  private readonly camera: StreamSource;

  constructor(deviceId: string) {
    const chosen = deviceId === '' ? {} : { deviceId: { exact: deviceId } };
    this.camera = new StreamSource(chosen, this.element);
  }

  start(sink: SourceSink): Promise<void> {
    return this.camera.start(sink);
  }

  stop(): void {
    this.camera.stop();
  }
}

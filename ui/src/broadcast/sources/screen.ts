import type { StreamerSource } from 'sightwire/relay';
import { createVideo } from '../../capture/video';
import type { Source } from './source';

/** A screen, a window or a tab that a person chooses. */
export class ScreenSource implements Source {
  readonly kind = 'screen';
  readonly element = createVideo();
  private stream: MediaStream | null = null;
  private closed = false;

  async open(ended: (error: unknown) => void): Promise<StreamerSource> {
    // Missing on phones, and on pages without https, whatever the type says.
    const devices = navigator.mediaDevices as Partial<MediaDevices> | undefined;
    if (devices?.getDisplayMedia === undefined) {
      throw new DOMException('there is no getDisplayMedia', 'NotSupportedError');
    }
    const stream = await devices.getDisplayMedia({ video: { frameRate: { ideal: 30 } } });
    this.stream = stream;
    if (this.closed) {
      this.close();
      return stream;
    }
    stream.getVideoTracks()[0]?.addEventListener('ended', () => {
      if (!this.closed) ended(null);
    });
    this.element.srcObject = stream;
    void this.element.play().catch(() => undefined);
    return stream;
  }

  resize(): void {
    // What is shared has the size that it has; the streamer makes it smaller.
  }

  close(): void {
    this.closed = true;
    this.element.srcObject = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }
}

import { watchVideo } from 'sightwire';
import { fileProblem, SourceFailure } from './problem';
import { createVideo, type SourceSink } from './video';

/** A video file from this machine, played round and round. It does not leave the machine whole. */
export class PlayedFile {
  readonly kind = 'file';
  readonly element = createVideo();
  private url: string | null = null;
  private unwatch: (() => void) | null = null;

  constructor(private readonly file: File) {
    this.element.loop = true;
  }

  async start(sink: SourceSink): Promise<void> {
    this.stop();
    const url = URL.createObjectURL(this.file);
    this.url = url;
    this.element.src = url;
    await this.loaded(url);
    if (this.url !== url) return;
    if (this.element.videoWidth === 0) {
      throw new SourceFailure(fileProblem(this.file.name, 'the file has no video track'));
    }
    this.element.onerror = () => sink.failed(this.failure());
    let lastTime = 0;
    this.unwatch = watchVideo(this.element, (atMs, mediaTime) => {
      // A file that begins anew goes back in time.
      if (mediaTime < lastTime) sink.cut();
      lastTime = mediaTime;
      void sink.frame(this.element, atMs);
    });
    await this.element.play().catch(() => undefined);
  }

  stop(): void {
    this.unwatch?.();
    this.unwatch = null;
    if (this.url === null) return;
    this.element.onerror = null;
    this.element.removeAttribute('src');
    this.element.load();
    URL.revokeObjectURL(this.url);
    this.url = null;
  }

  private loaded(url: string): Promise<void> {
    return new Promise((done, fail) => {
      this.element.onloadeddata = () => done();
      // Stopped before it had loaded: no mistake, only the end of waiting.
      this.element.onemptied = () => {
        if (this.url !== url) done();
      };
      this.element.onerror = () => fail(this.failure());
    });
  }

  private failure(): SourceFailure {
    const { error } = this.element;
    const type = this.file.type === '' ? 'unknown type' : this.file.type;
    const cause = `MediaError ${error?.code ?? 0}: ${error?.message ?? ''} (${type})`;
    return new SourceFailure(fileProblem(this.file.name, cause));
  }
}

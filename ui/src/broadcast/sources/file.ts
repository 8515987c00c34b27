import { watchVideo } from 'sightwire';
import type { FrameSink, StreamerSource } from 'sightwire/relay';
import { PlayedFile } from '../../capture/playedFile';
import type { Source } from './source';
import { everyTick } from './ticks';

/** A video file from this machine, played round and round. */
export class FileSource implements Source {
  readonly kind = 'file';
  readonly element: HTMLVideoElement;
  private readonly played: PlayedFile;
  private ends: (() => void)[] = [];

  constructor(file: File) {
    this.played = new PlayedFile(file);
    this.element = this.played.element;
  }

  async open(ended: (error: unknown) => void): Promise<StreamerSource> {
    // Its pictures are watched below.
    await this.played.start({
      fps: () => 1,
      frame: () => null,
      cut: () => undefined,
      failed: ended,
    });
    return { start: (sink) => this.watch(sink), stop: () => this.leave() };
  }

  resize(): void {
    // A file has the size that it has; the streamer makes it smaller.
  }

  close(): void {
    this.leave();
    this.played.stop();
  }

  private watch(sink: FrameSink): void {
    const { element } = this;
    // A hidden page is not told of new pictures: it looks by itself.
    let lastTime = -1;
    const look = () => {
      if (!document.hidden || element.currentTime === lastTime) return;
      lastTime = element.currentTime;
      void sink.frame(element);
    };
    this.ends = [
      watchVideo(element, (atMs) => void sink.frame(element, atMs)),
      everyTick(() => sink.fps(), look),
    ];
  }

  private leave(): void {
    for (const end of this.ends.splice(0)) end();
  }
}

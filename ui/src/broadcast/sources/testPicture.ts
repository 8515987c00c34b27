import type { FrameSink, StreamerSource } from 'sightwire/relay';
import { drawTestPicture } from './drawTestPicture';
import type { Source } from './source';
import { everyTick } from './ticks';

/** A moving test picture, drawn by the page: for who has no camera at hand. */
export class TestPicture implements Source {
  readonly kind = 'test';
  readonly element = document.createElement('canvas');
  private end: (() => void) | undefined;

  constructor(
    /** What is written into it. */
    private readonly name: () => string,
    widthPx: number,
  ) {
    this.resize(widthPx);
  }

  open(): Promise<StreamerSource> {
    return Promise.resolve({
      start: (sink) => this.play(sink),
      stop: () => this.close(),
    });
  }

  resize(widthPx: number): void {
    Object.assign(this.element, { width: widthPx, height: Math.round((widthPx * 9) / 16) });
    this.draw();
  }

  close(): void {
    this.end?.();
    this.end = undefined;
  }

  private play(sink: FrameSink): void {
    this.close();
    this.end = everyTick(
      () => sink.fps(),
      // Drawn only when it can be sent: what is seen here is what goes out.
      (nowMs) => void sink.frame(() => this.draw(), nowMs),
    );
  }

  private draw(): HTMLCanvasElement {
    drawTestPicture(this.element, this.name(), performance.now() / 1000, new Date());
    return this.element;
  }
}

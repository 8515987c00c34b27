import type { FrameSink, FrameSource } from '../sources.js';

/** A source that a test pushes frames with. */
export class PushSource implements FrameSource {
  sink: FrameSink | null = null;
  starts = 0;
  stops = 0;

  start(sink: FrameSink): void {
    this.starts += 1;
    this.sink = sink;
  }

  stop(): void {
    this.stops += 1;
    this.sink = null;
  }
}

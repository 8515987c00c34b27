import type { SampleClip } from 'sightwire/api';
import { getJson } from '../../api/http';
import { SourceFailure } from '../../capture/problem';
import type { SourceSink } from '../../capture/video';
import { sampleProblem } from '../logic/problems';
import { untilTick } from '../logic/ticks';
import { FRAME_HEIGHT, FRAME_WIDTH, type Source } from './source';

/** A clip that the server generates, played round and round at its own rate. */
export class SampleSource implements Source {
  readonly kind = 'sample';
  readonly element = document.createElement('canvas');
  private frames: ImageBitmap[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;

  constructor(
    private readonly gesture: string,
    private readonly seed: number,
  ) {
    this.element.width = FRAME_WIDTH;
    this.element.height = FRAME_HEIGHT;
  }

  async start(sink: SourceSink): Promise<void> {
    this.stop();
    const request = new AbortController();
    this.request = request;
    try {
      const clip = await getJson<SampleClip>(
        `/api/v1/samples/${encodeURIComponent(this.gesture)}?seed=${this.seed}`,
        request.signal,
        15_000,
      );
      const frames = await Promise.all(clip.frames.map(decodeDataUrl));
      if (request.signal.aborted) {
        for (const frame of frames) frame.close();
        return;
      }
      if (frames.length === 0) throw new Error('the clip is empty');
      this.frames = frames;
      this.play(1000 / clip.fps, sink);
    } catch (error) {
      if (!request.signal.aborted) throw new SourceFailure(sampleProblem(error));
    }
  }

  stop(): void {
    this.request?.abort();
    this.request = null;
    clearTimeout(this.timer);
    for (const frame of this.frames) frame.close();
    this.frames = [];
  }

  private play(intervalMs: number, sink: SourceSink): void {
    const context = this.element.getContext('2d', { alpha: false });
    const startMs = performance.now();
    let tick = 0;
    let lastTurn = 0;
    const show = () => {
      const nowMs = performance.now();
      const frame = this.frames[tick % this.frames.length];
      if (frame === undefined) return;
      context?.drawImage(frame, 0, 0, FRAME_WIDTH, FRAME_HEIGHT);
      const turn = Math.floor(tick / this.frames.length);
      if (turn !== lastTurn) sink.cut();
      lastTurn = turn;
      void sink.frame(this.element, nowMs);
      // After a long pause go on from here instead of showing what was missed.
      tick = Math.max(tick, Math.floor((nowMs - startMs) / intervalMs) - 1) + 1;
      this.timer = setTimeout(show, untilTick(startMs, intervalMs, tick, nowMs));
    };
    show();
  }
}

/** Decodes without `fetch`: the content security policy does not let it read data URLs. */
async function decodeDataUrl(url: string): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(',') + 1)), (c) => c.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: 'image/jpeg' }));
}

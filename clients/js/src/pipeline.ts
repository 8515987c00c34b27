import { Encoder } from './encoder.js';
import { RecognizerError } from './errors.js';
import { Pacer } from './pacer.js';
import type { Frame, FrameSink, FrameSource, FrameSupplier } from './sources.js';

const MOST_ENCODE_FAILURES = 10;

/** Where a pipeline's frames go, and who is told of its source. */
export interface Output<Message> {
  /** Frames a second that may be sent at most. */
  fps: () => number;
  /** A source is about to be started. */
  opening: () => void;
  /** The source is there: told when it has started, and before each of its frames. */
  opened: () => void;
  /** Whether one more frame may leave now; null: there is no connection. */
  room: () => 'free' | 'full' | null;
  /** A frame was left out for want of room. */
  dropped: () => void;
  /** What is sent of a frame; null: it has no picture yet. */
  encode: (frame: Frame) => Promise<Message | null>;
  /** The frame's number once it was sent; null: it could not leave after all. */
  send: (message: Message) => number | null;
  /** The source ended by itself, or its frames cannot be encoded. */
  failed: (error: unknown) => void;
}

/**
 * The way of a source's frames into a connection: source → pacer → encoder → output. Nothing queues: a
 * frame that cannot leave at once is dropped.
 */
export class Pipeline<Message> {
  readonly #output: Output<Message>;
  #source: FrameSource | null = null;
  /** What the running source writes to; another one after each change, so that late frames are known. */
  #sink: FrameSink | null = null;
  #pacer: Pacer;
  #encoder: Encoder | null = null;
  /** Whose frame is being encoded. */
  #encoding: FrameSink | null = null;
  #encodeFailures = 0;

  constructor(output: Output<Message>) {
    this.#output = output;
    this.#pacer = new Pacer(output.fps());
  }

  /** What runs, or is being opened. */
  get source(): FrameSource | null {
    return this.#source;
  }

  /** Frames a second that are aimed at now. */
  get targetFps(): number {
    return this.#pacer.fps;
  }

  /** Begins, or changes to another source. */
  start(source: FrameSource): void {
    this.stop();
    this.pace();
    const sink = this.#makeSink();
    this.#source = source;
    this.#sink = sink;
    this.#output.opening();
    const opening = async () => {
      // Whoever was told may have stopped it.
      if (this.#sink === sink) await source.start(sink);
      if (this.#sink === sink) this.#output.opened();
    };
    opening().catch((error: unknown) => sink.failed(error));
  }

  /** Lets go of the source and of the encoder. What still comes from them is dropped. */
  stop(): void {
    const source = this.#source;
    this.#source = null;
    this.#sink = null;
    this.#encoding = null;
    this.#encodeFailures = 0;
    this.#closeEncoder();
    source?.stop();
  }

  /** Aims at the full rate again. */
  pace(): void {
    this.#pacer = new Pacer(this.#output.fps());
  }

  /** The encoder, for `encode`; stays until the source ends. */
  encoder(worker: (() => Worker) | undefined): Encoder {
    return (this.#encoder ??= new Encoder(worker));
  }

  /** Makes another encoder for the next frame, unless one is being encoded. */
  renewEncoder(): void {
    if (this.#encoding === null) this.#closeEncoder();
  }

  #makeSink(): FrameSink {
    const sink: FrameSink = {
      fps: () => this.#output.fps(),
      frame: (frame, atMs = performance.now()) =>
        this.#sink === sink && this.#wants(atMs) ? this.#send(sink, frame) : null,
      failed: (error) => {
        if (this.#sink === sink) this.#output.failed(error);
      },
    };
    return sink;
  }

  #wants(atMs: number): boolean {
    this.#output.opened();
    const room = this.#output.room();
    if (room === null) return false;
    const verdict = this.#pacer.take(atMs, this.#encoding === null ? room : 'busy');
    if (verdict === 'drop') this.#output.dropped();
    return verdict === 'send';
  }

  async #send(sink: FrameSink, given: Frame | FrameSupplier): Promise<number | null> {
    this.#encoding = sink;
    try {
      const frame = typeof given === 'function' ? await given() : given;
      const message = frame === null ? null : await this.#output.encode(frame);
      if (message === null || this.#sink !== sink) return null;
      this.#encodeFailures = 0;
      return this.#output.send(message);
    } catch (error) {
      // One picture may be lost, for example while a video begins anew; not one after the other.
      this.#encodeFailures += 1;
      if (this.#encodeFailures >= MOST_ENCODE_FAILURES) {
        sink.failed(
          new RecognizerError(
            'encoder-failed',
            'This browser could not encode a frame as JPEG',
            'Try again, or use a newer browser.',
            error,
          ),
        );
      }
      return null;
    } finally {
      if (this.#encoding === sink) this.#encoding = null;
    }
  }

  #closeEncoder(): void {
    this.#encoder?.close();
    this.#encoder = null;
  }
}

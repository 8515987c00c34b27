import { openCamera } from './camera.js';
import type { Picture } from './encoder.js';
import { cameraStopped } from './errors.js';
import type { FrameBytes } from './link.js';

/** A picture, which is encoded first, or a JPEG or PNG as bytes, base64 or data URL. */
export type Frame = Picture | Blob | FrameBytes;

/** Asked for a frame whenever one may be sent; null says that there is no new one. */
export type FrameSupplier = () => Frame | null | Promise<Frame | null>;

/** Where a source of your own puts its frames. */
export interface FrameSink {
  /** Frames a second that may be sent at most. */
  fps(): number;
  /**
   * A new frame is there (or can be fetched), at `atMs` in `performance.now()` time. Null if it is
   * not sent: not connected, too early, or no room. Else its number once it was sent, or null if
   * that failed.
   */
  frame(frame: Frame | FrameSupplier, atMs?: number): Promise<number | null> | null;
  /** The source ended by itself, and why. */
  failed(error: unknown): void;
}

/** A source of your own that says by itself when a frame is there. */
export interface FrameSource {
  /** Begins, or begins again after `stop`. */
  start(sink: FrameSink): void | Promise<void>;
  /** Lets go of everything. */
  stop(): void;
}

/**
 * Where frames come from. `'camera'` is opened and closed by the recogniser; streams and elements
 * stay yours.
 */
export type Source = 'camera' | MediaStream | HTMLVideoElement | FrameSupplier | FrameSource;

const FALLBACK_INTERVAL_MS = 40;

/** Calls back for each new picture of a playing video; returns how to stop that. */
export function watchVideo(
  video: HTMLVideoElement,
  onPicture: (atMs: number, mediaTime: number) => void,
): () => void {
  if ('requestVideoFrameCallback' in video) {
    let handle = 0;
    const next = () => {
      handle = video.requestVideoFrameCallback((nowMs, { mediaTime }) => {
        next();
        onPicture(nowMs, mediaTime);
      });
    };
    next();
    return () => video.cancelVideoFrameCallback(handle);
  }

  // Older browsers do not tell of new pictures: look 25 times a second whether time has moved.
  const element: HTMLVideoElement = video;
  let lastTime = -1;
  return everyTick(
    () => FALLBACK_INTERVAL_MS,
    (nowMs) => {
      if (element.currentTime === lastTime) return;
      lastTime = element.currentTime;
      onPicture(nowMs, lastTime);
    },
  );
}

/** Calls back at an even rate, late ticks left out; returns how to stop that. */
function everyTick(intervalMs: () => number, run: (nowMs: number) => void): () => void {
  let dueMs = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const next = () => {
    const nowMs = performance.now();
    dueMs = Math.max(dueMs + intervalMs(), nowMs);
    timer = setTimeout(next, dueMs - nowMs);
    run(nowMs);
  };
  next();
  return () => clearTimeout(timer);
}

/** A video element of the caller's. */
export function videoSource(video: HTMLVideoElement): FrameSource {
  let unwatch: (() => void) | undefined;
  return {
    start(sink) {
      unwatch = watchVideo(video, (atMs) => void sink.frame(video, atMs));
    },
    stop: () => unwatch?.(),
  };
}

/** A camera, opened and closed by this, or a stream of the caller's; played in `screen` if there is one. */
export class StreamSource implements FrameSource {
  stream: MediaStream | null = null;
  readonly #given: MediaStream | MediaTrackConstraints;
  #sink: FrameSink | null = null;
  #video: HTMLVideoElement | null = null;
  #unwatch: (() => void) | undefined;

  constructor(given: MediaStream | MediaTrackConstraints, screen: HTMLVideoElement | null = null) {
    this.#given = given;
    this.#video = screen;
  }

  async start(sink: FrameSink): Promise<void> {
    this.#sink = sink;
    const given = this.#given;
    const stream = isStream(given) ? given : await openCamera(given);
    // Stopped while the person was still being asked: the camera must not stay on.
    if (this.#sink !== sink) {
      this.#release(stream);
      return;
    }
    this.stream = stream;
    stream.getVideoTracks()[0]?.addEventListener('ended', () => {
      if (this.stream === stream) sink.failed(cameraStopped());
    });
    this.show(this.#video);
  }

  /** Plays in this element from now on, or in none that is seen. */
  show(video: HTMLVideoElement | null): void {
    this.#leave();
    this.#video = video;
    const { stream } = this;
    const sink = this.#sink;
    if (stream === null || sink === null) return;
    const element = (this.#video ??= document.createElement('video'));
    element.muted = true;
    element.playsInline = true;
    element.srcObject = stream;
    this.#unwatch = watchVideo(element, (atMs) => void sink.frame(element, atMs));
    void element.play().catch(() => undefined);
  }

  stop(): void {
    this.#sink = null;
    this.#leave();
    if (this.stream !== null) this.#release(this.stream);
    this.stream = null;
  }

  #leave(): void {
    this.#unwatch?.();
    if (this.stream !== null && this.#video?.srcObject === this.stream)
      this.#video.srcObject = null;
  }

  #release(stream: MediaStream): void {
    if (stream !== this.#given) for (const track of stream.getTracks()) track.stop();
  }
}

/** Frames that are fetched one at a time, and only when they can be sent. */
export function pullSource(supply: FrameSupplier): FrameSource {
  let stop: (() => void) | undefined;
  return {
    start(sink) {
      let busy = false;
      const pull = async () => {
        busy = true;
        try {
          return await supply();
        } catch (error) {
          sink.failed(error);
          return null;
        } finally {
          busy = false;
        }
      };
      stop = everyTick(
        () => 1000 / sink.fps(),
        (nowMs) => {
          if (!busy) void sink.frame(pull, nowMs);
        },
      );
    },
    stop: () => stop?.(),
  };
}

export function isStream(source: object): source is MediaStream {
  return 'getTracks' in source;
}

import { openCamera } from '../camera.js';
import { cameraStopped } from '../errors.js';
import {
  type Frame,
  type FrameSink,
  type FrameSource,
  isStream,
  pullSource,
  type Source,
  StreamSource,
  videoSource,
} from '../sources.js';

/** Chromium's way to a track's pictures, which goes on while the page is hidden. */
type TrackProcessor = new (init: { track: MediaStreamTrack; maxBufferSize: number }) => {
  readable: ReadableStream<VideoFrame>;
};

/** A picture that did not leave is tried again as soon, and one that did is repeated as often. */
const UNSENT_MS = 100;
const STILL_MS = 1000;
/** How often a hidden page looks for a picture by itself; most browsers make it one a second. */
const HIDDEN_MS = 250;

/** Where a streamer's pictures come from. Only a camera that is opened here is closed here. */
export function streamerSource(source: Source, camera: MediaTrackConstraints): FrameSource {
  if (source === 'camera') return new CameraSource(camera);
  if (typeof source === 'function') return pullSource(source);
  if (isStream(source)) {
    return isScreen(source) ? repeated(streamPictures(source)) : streamPictures(source);
  }
  if ('start' in source) return source;
  return whileHidden(videoSource(source), source);
}

/**
 * Whether pictures come only when something changes, as those of a shared screen do: then an old one
 * is still true.
 */
export function isScreen(source: Source): boolean {
  if (typeof source !== 'object' || !isStream(source)) return false;
  return source.getVideoTracks()[0]?.getSettings().displaySurface !== undefined;
}

class CameraSource implements FrameSource {
  readonly #constraints: MediaTrackConstraints;
  #sink: FrameSink | null = null;
  #stream: MediaStream | null = null;
  #pictures: FrameSource | null = null;

  constructor(constraints: MediaTrackConstraints) {
    this.#constraints = constraints;
  }

  async start(sink: FrameSink): Promise<void> {
    this.#sink = sink;
    const stream = await openCamera(this.#constraints);
    // Stopped while the person was still being asked: the camera must not stay on.
    if (this.#sink !== sink) {
      release(stream);
      return;
    }
    this.#stream = stream;
    this.#pictures = streamPictures(stream);
    await this.#pictures.start(sink);
  }

  stop(): void {
    this.#sink = null;
    this.#pictures?.stop();
    this.#pictures = null;
    if (this.#stream !== null) release(this.#stream);
    this.#stream = null;
  }
}

function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** The pictures of a stream: of its track where the browser gives them, else of an element. */
function streamPictures(stream: MediaStream): FrameSource {
  const { MediaStreamTrackProcessor: Processor } = globalThis as {
    MediaStreamTrackProcessor?: TrackProcessor;
  };
  const track = stream.getVideoTracks()[0];
  if (Processor !== undefined && track !== undefined) return trackSource(Processor, track);
  const video = document.createElement('video');
  return whileHidden(new StreamSource(stream, video), video);
}

function trackSource(Processor: TrackProcessor, track: MediaStreamTrack): FrameSource {
  let reader: ReadableStreamDefaultReader<VideoFrame> | null = null;
  return {
    start(sink) {
      // Of pictures that are not fetched in time only the newest stays.
      const own = new Processor({ track, maxBufferSize: 1 }).readable.getReader();
      reader = own;
      const read = async () => {
        for (;;) {
          const { done, value: frame } = await own.read();
          if (done) break;
          try {
            await sink.frame(frame);
          } finally {
            frame.close();
          }
        }
        if (reader === own) sink.failed(cameraStopped());
      };
      read().catch((error: unknown) => {
        if (reader === own) sink.failed(error);
      });
    },
    stop() {
      const own = reader;
      reader = null;
      own?.cancel().catch(() => undefined);
    },
  };
}

/**
 * A source that is silent while nothing changes: its last picture is offered again, so that it is not
 * lost when there was no room for it, and so that those who come later get one.
 */
export function repeated(source: FrameSource): FrameSource {
  let on = false;
  let kept: Frame | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = (frame: Frame | null) => {
    if (isVideoFrame(kept)) kept.close();
    kept = isVideoFrame(frame) ? frame.clone() : frame;
  };
  return {
    start(sink) {
      const plan = (waitMs: number) => {
        clearTimeout(timer);
        if (on) timer = setTimeout(() => void offer(), waitMs);
      };
      const after = (sent: Promise<number | null> | null) => {
        plan(sent === null ? UNSENT_MS : STILL_MS);
        void sent?.then((number) => {
          if (number === null) plan(UNSENT_MS);
        });
        return sent;
      };
      const offer = async () => {
        // Of its own, because a newer one may close what is kept meanwhile.
        const frame = isVideoFrame(kept) ? kept.clone() : kept;
        if (frame === null) return;
        await after(sink.frame(frame));
        if (isVideoFrame(frame)) frame.close();
      };
      on = true;
      return source.start({
        ...sink,
        frame(frame, atMs) {
          if (!on) return null;
          if (typeof frame !== 'function') keep(frame);
          return after(sink.frame(frame, atMs));
        },
      });
    },
    stop() {
      on = false;
      clearTimeout(timer);
      keep(null);
      source.stop();
    },
  };
}

function isVideoFrame(frame: Frame | null): frame is VideoFrame {
  return typeof VideoFrame !== 'undefined' && frame instanceof VideoFrame;
}

/** A hidden page is not told of an element's new pictures: it looks by itself. */
function whileHidden(source: FrameSource, video: HTMLVideoElement): FrameSource {
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    start(sink) {
      timer = setInterval(() => {
        if (document.hidden && !video.paused) void sink.frame(video);
      }, HIDDEN_MS);
      return source.start(sink);
    },
    stop() {
      clearInterval(timer);
      source.stop();
    },
  };
}

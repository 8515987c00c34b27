import { coverCrop } from './crop.js';
import { type EncodeReply, type EncodeRequest, type EncodeScope, serveEncoder } from './encode.js';

/** What can be drawn onto a canvas and knows its size. */
export type Picture =
  | HTMLVideoElement
  | HTMLCanvasElement
  | HTMLImageElement
  | OffscreenCanvas
  | ImageBitmap
  | VideoFrame;

/** How a picture is sent. */
export interface Shape {
  width: number;
  height: number;
  format: 'jpeg' | 'png';
  /** Of a JPEG, 0 to 1. */
  quality: number;
  /** Left and right change places, as in a mirror. */
  mirror: boolean;
}

interface Waiting {
  done: (bytes: ArrayBuffer) => void;
  fail: (error: Error) => void;
}

/** Who does the work: a worker, or the page itself. */
interface Port {
  postMessage(request: EncodeRequest, transfer: Transferable[]): void;
}

/** A worker that takes longer than this for its first picture is given up. */
const START_MS = 5000;

/** The size of a picture in pixels; zero while it has none. */
export function sizeOf(picture: Picture): [width: number, height: number] {
  if ('videoWidth' in picture) return [picture.videoWidth, picture.videoHeight];
  if ('naturalWidth' in picture) return [picture.naturalWidth, picture.naturalHeight];
  if ('displayWidth' in picture) return [picture.displayWidth, picture.displayHeight];
  return [picture.width, picture.height];
}

/**
 * Makes JPEGs (or PNGs), one at a time: in a worker, so that the page stays smooth; where there can
 * be none (old browsers, a content security policy), on the page itself.
 */
export class Encoder {
  /** Null once it is closed. */
  #port: Port | null = null;
  #worker: Worker | null = null;
  #proven = false;
  #waiting: Waiting | null = null;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(makeWorker: () => Worker = inlineWorker) {
    try {
      if (typeof OffscreenCanvas === 'undefined') throw new TypeError('no OffscreenCanvas');
      const worker = makeWorker();
      worker.onmessage = ({ data }: MessageEvent<EncodeReply>) => this.#answer(data);
      worker.onerror = (event) => {
        // What is told here need not be told on the console.
        event.preventDefault();
        this.#answer({ failure: event.message || 'the worker did not start' });
      };
      this.#worker = worker;
      this.#port = worker;
    } catch {
      this.#port = pagePort((reply) => this.#answer(reply));
    }
  }

  /** Whether pictures are encoded beside the page. */
  get inWorker(): boolean {
    return this.#worker !== null;
  }

  async encode(picture: Picture, { format, ...shape }: Shape): Promise<ArrayBuffer> {
    const port = this.#port;
    const given = this.inWorker;
    const request: EncodeRequest = {
      ...shape,
      crop: coverCrop(...sizeOf(picture), shape.width / shape.height),
      type: `image/${format}`,
      picture: given ? await createImageBitmap(picture) : picture,
      given,
    };
    return new Promise((done, fail) => {
      this.#waiting = { done, fail };
      if (port === null || port !== this.#port) {
        this.#answer({ failure: 'the encoder was closed' });
      } else {
        port.postMessage(request, given ? [request.picture as ImageBitmap] : []);
        if (!this.#proven) this.#watchdog = setTimeout(() => this.#answer(LATE), START_MS);
      }
    });
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#port = null;
    this.#answer({ failure: 'the encoder was closed' });
  }

  #answer(reply: EncodeReply): void {
    clearTimeout(this.#watchdog);
    const waiting = this.#waiting;
    this.#waiting = null;
    if ('bytes' in reply) {
      this.#proven = true;
      waiting?.done(reply.bytes);
      return;
    }
    // A worker that has never made a picture never will; the page makes the next one itself.
    if (this.#worker !== null && !this.#proven) {
      this.#worker.terminate();
      this.#worker = null;
      this.#port = pagePort((late) => this.#answer(late));
    }
    waiting?.fail(new Error(reply.failure));
  }
}

const LATE = { failure: 'no answer' };

let inlineUrl: string | undefined;

/** A worker that needs no file, so that no bundler has to know of it. */
function inlineWorker(): Worker {
  const code = `(${serveEncoder.toString()})(self,(w,h)=>new OffscreenCanvas(w,h))`;
  inlineUrl ??= URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  return new Worker(inlineUrl);
}

/** The same work on the page. */
function pagePort(answer: (reply: EncodeReply) => void): Port {
  const scope: EncodeScope = { onmessage: null, postMessage: answer };
  serveEncoder(scope, (width, height) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const convertToBlob = ({ type, quality }: ImageEncodeOptions) =>
      new Promise<Blob>((done, fail) => {
        canvas.toBlob(
          (blob) => {
            if (blob === null) fail(new Error('the browser made no picture'));
            else done(blob);
          },
          type,
          quality,
        );
      });
    return Object.assign(canvas, { convertToBlob }) as unknown as OffscreenCanvas;
  });
  return { postMessage: (data: EncodeRequest) => scope.onmessage?.({ data }) };
}

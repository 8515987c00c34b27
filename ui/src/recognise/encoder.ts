import type { EncodeReply, EncodeRequest } from './encoding';
import { coverCrop } from './logic/crop';

/** What the server is sent: its models look at far less, and this is what the old clients send. */
export const FRAME_WIDTH = 640;
export const FRAME_HEIGHT = 480;
const QUALITY = 0.8;

/** A picture that is on the screen now, with its size in pixels. */
export interface Picture {
  image: HTMLVideoElement | HTMLCanvasElement;
  width: number;
  height: number;
}

/** Makes JPEGs, one at a time. */
export interface Encoder {
  encode(picture: Picture, mirror: boolean): Promise<ArrayBuffer>;
  close(): void;
}

/** Encodes in a worker, so that the page stays smooth; where that is missing, on the page itself. */
export function createEncoder(): Encoder {
  return typeof OffscreenCanvas === 'undefined' ? new PageEncoder() : new WorkerEncoder();
}

class WorkerEncoder implements Encoder {
  private readonly worker = new Worker(new URL('./encode.worker.ts', import.meta.url), {
    type: 'module',
  });
  private waiting: { done: (jpeg: ArrayBuffer) => void; fail: (error: Error) => void } | null =
    null;

  constructor() {
    this.worker.onmessage = (event: MessageEvent<EncodeReply>) => {
      const { waiting } = this;
      this.waiting = null;
      if ('jpeg' in event.data) waiting?.done(event.data.jpeg);
      else waiting?.fail(new Error(event.data.failure));
    };
    this.worker.onerror = (event) => {
      this.waiting?.fail(new Error(event.message || 'the encoder worker did not start'));
      this.waiting = null;
    };
  }

  async encode({ image, width, height }: Picture, mirror: boolean): Promise<ArrayBuffer> {
    const picture = await createImageBitmap(image);
    const crop = coverCrop(width, height, FRAME_WIDTH / FRAME_HEIGHT);
    const request: EncodeRequest = {
      picture,
      crop,
      width: FRAME_WIDTH,
      height: FRAME_HEIGHT,
      mirror,
      quality: QUALITY,
    };
    return new Promise((done, fail) => {
      this.waiting = { done, fail };
      this.worker.postMessage(request, [picture]);
    });
  }

  close(): void {
    this.worker.terminate();
    this.waiting?.fail(new Error('closed'));
    this.waiting = null;
  }
}

class PageEncoder implements Encoder {
  private readonly canvas = document.createElement('canvas');

  constructor() {
    this.canvas.width = FRAME_WIDTH;
    this.canvas.height = FRAME_HEIGHT;
  }

  async encode({ image, width, height }: Picture, mirror: boolean): Promise<ArrayBuffer> {
    const context = this.canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('no 2d context');
    const crop = coverCrop(width, height, FRAME_WIDTH / FRAME_HEIGHT);
    context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? FRAME_WIDTH : 0, 0);
    const { x, y } = crop;
    context.drawImage(image, x, y, crop.width, crop.height, 0, 0, FRAME_WIDTH, FRAME_HEIGHT);
    const blob = await new Promise<Blob | null>((done) =>
      this.canvas.toBlob(done, 'image/jpeg', QUALITY),
    );
    if (blob === null) throw new Error('toBlob gave nothing');
    return blob.arrayBuffer();
  }

  close(): void {
    this.canvas.width = 0;
  }
}

import type { Crop } from './crop.js';

/** One picture to encode. */
export interface EncodeRequest {
  picture: CanvasImageSource;
  /** It is handed over, and closed when it was drawn. */
  given: boolean;
  crop: Crop;
  width: number;
  height: number;
  mirror: boolean;
  type: string;
  quality: number;
}

export type EncodeReply = { bytes: ArrayBuffer } | { failure: string };

/** What is used of a worker's inside, and stands in for it on the page. */
export interface EncodeScope {
  onmessage: ((event: { data: EncodeRequest }) => void) | null;
  postMessage(reply: EncodeReply, transfer: Transferable[]): void;
}

/**
 * Answers each request with a JPEG or PNG. Its own text is what the worker runs, so it must not use
 * anything from outside, nor syntax that a compiler turns into calls of helpers.
 */
export function serveEncoder(
  scope: EncodeScope,
  makeCanvas: (width: number, height: number) => OffscreenCanvas,
): void {
  let canvas: OffscreenCanvas | null = null;
  scope.onmessage = function (event) {
    const { picture, given, crop, width, height, mirror, type, quality } = event.data;
    new Promise<Blob>(function (done) {
      // eslint-disable-next-line @typescript-eslint/prefer-optional-chain -- a compiler may rewrite it
      if (canvas === null || canvas.width !== width || canvas.height !== height) {
        canvas = makeCanvas(width, height);
      }
      const context = canvas.getContext('2d', { alpha: false });
      if (context === null) throw new Error('no 2d context');
      context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
      context.drawImage(picture, crop.x, crop.y, crop.width, crop.height, 0, 0, width, height);
      if (given) (picture as ImageBitmap).close();
      done(canvas.convertToBlob({ type, quality }));
    })
      .then(function (blob) {
        return blob.arrayBuffer();
      })
      .then(
        function (bytes) {
          scope.postMessage({ bytes }, [bytes]);
        },
        function (error: unknown) {
          scope.postMessage({ failure: String(error) }, []);
        },
      );
  };
}

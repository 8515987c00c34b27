import type { EncodeReply, EncodeRequest } from './encoding';

declare const self: DedicatedWorkerGlobalScope;

let canvas: OffscreenCanvas | null = null;

self.onmessage = (event: MessageEvent<EncodeRequest>) => {
  void encode(event.data).then((reply) => {
    self.postMessage(reply, 'jpeg' in reply ? [reply.jpeg] : []);
  });
};

async function encode(request: EncodeRequest): Promise<EncodeReply> {
  const { picture, crop, width, height, mirror, quality } = request;
  try {
    if (canvas?.width !== width || canvas.height !== height) {
      canvas = new OffscreenCanvas(width, height);
    }
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('no 2d context');
    context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
    context.drawImage(picture, crop.x, crop.y, crop.width, crop.height, 0, 0, width, height);
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality });
    return { jpeg: await blob.arrayBuffer() };
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  } finally {
    picture.close();
  }
}

// The worker that encodes, as a file: for pages whose content security policy forbids `blob:` workers.
import { type EncodeScope, serveEncoder } from './encode.js';

serveEncoder(
  globalThis as unknown as EncodeScope,
  (width, height) => new OffscreenCanvas(width, height),
);

import type { Crop } from './logic/crop';

/** What the page asks of the encoder's worker. */
export interface EncodeRequest {
  /** Handed over: the worker closes it. */
  picture: ImageBitmap;
  crop: Crop;
  width: number;
  height: number;
  mirror: boolean;
  /** Of the JPEG, 0 to 1. */
  quality: number;
}

export type EncodeReply = { jpeg: ArrayBuffer } | { failure: string };

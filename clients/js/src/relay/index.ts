export { openCamera } from '../camera.js';
export { type ErrorCode, RecognizerError } from '../errors.js';
export type { Frame, FrameSink, FrameSource, Source as StreamerSource } from '../sources.js';
export { retryDelayMs } from './backoff.js';
export { createViewer, type Viewer, type ViewerOptions, type ViewerSnapshot } from './viewer.js';
export type { Detection, Kind, Mode, Overlay } from './viewerMessages.js';
export type { StreamView } from './viewerStream.js';
export {
  createStreamer,
  Streamer,
  type StreamerOptions,
  type StreamerSettings,
  type StreamerSnapshot,
  type StreamerState,
} from './streamer.js';
export {
  decodePicture,
  encodePicture,
  nameProblem,
  type Picture,
  pictureHeader,
  streamerAddress,
  SUBPROTOCOL,
  viewerAddress,
} from './wire.js';

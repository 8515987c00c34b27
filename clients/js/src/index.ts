export type { Picture } from './encoder.js';
export { type ErrorCode, RecognizerError } from './errors.js';
export { NONE } from './labels.js';
export type { Model } from './link.js';
export type { Numbers } from './meters.js';
export {
  createRecognizer,
  type Prediction,
  type Recognizer,
  type RecognizerOptions,
  type Settings,
  type Snapshot,
  type State,
} from './recognizer.js';
export {
  type Frame,
  type FrameSink,
  type FrameSource,
  type FrameSupplier,
  type Source,
  StreamSource,
  watchVideo,
} from './sources.js';
export type { Quantiles } from './stats.js';

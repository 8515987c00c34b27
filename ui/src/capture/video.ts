import type { FrameSink } from 'sightwire';

export interface SourceSink extends FrameSink {
  /** The next frame does not follow the one before: the source begins anew. */
  cut(): void;
}

/** A video element as sources need it. */
export function createVideo(): HTMLVideoElement {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.disablePictureInPicture = true;
  return video;
}

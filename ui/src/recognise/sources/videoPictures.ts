import { untilTick } from '../logic/pacer';
import type { SourceEvents } from './source';

const FALLBACK_INTERVAL_MS = 40;

/** Calls `events.picture` for each new picture of a playing video; returns how to stop that. */
export function watchVideo(video: HTMLVideoElement, events: SourceEvents): () => void {
  let lastMediaTime = Infinity;
  const report = (atMs: number, mediaTime: number) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0 || height === 0) return;
    // A file that begins anew goes back in time.
    const cut = mediaTime < lastMediaTime;
    lastMediaTime = mediaTime;
    events.picture({ image: video, width, height }, atMs, cut);
  };

  if ('requestVideoFrameCallback' in video) {
    let handle = 0;
    const next = () => {
      handle = video.requestVideoFrameCallback((nowMs, { mediaTime }) => {
        next();
        report(nowMs, mediaTime);
      });
    };
    next();
    return () => video.cancelVideoFrameCallback(handle);
  }

  // Older browsers do not tell of new pictures: look 25 times a second whether time has moved.
  const element: HTMLVideoElement = video;
  const startMs = performance.now();
  let tick = 0;
  let lastTime = -1;
  let timer: ReturnType<typeof setTimeout>;
  const look = () => {
    const nowMs = performance.now();
    if (element.currentTime !== lastTime) {
      lastTime = element.currentTime;
      report(nowMs, lastTime);
    }
    tick = Math.max(tick + 1, Math.floor((nowMs - startMs) / FALLBACK_INTERVAL_MS));
    timer = setTimeout(look, untilTick(startMs, FALLBACK_INTERVAL_MS, tick + 1, nowMs));
  };
  look();
  return () => clearTimeout(timer);
}

/** A video element as sources need it. */
export function createVideo(): HTMLVideoElement {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.disablePictureInPicture = true;
  return video;
}

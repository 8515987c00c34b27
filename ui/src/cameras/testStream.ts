import type { Camera, Stream } from '../api/cameraTypes';

/** A stream that runs well, for tests. */
export function testStream(change: Partial<Stream> = {}): Stream {
  return {
    id: 'yard',
    kind: 'camera',
    name: 'Yard',
    url: 'http://10.0.0.6/stream',
    state: 'running',
    reason: null,
    since_s: 7.4,
    slow: null,
    fps: 19.9,
    bytes_per_s: 1_500_000,
    width: 640,
    height: 480,
    last_picture_age_s: 0.04,
    pictures: 1234,
    bytes: 61_700_000,
    broken: 0,
    skipped_bytes: 0,
    wrong_lengths: 0,
    connects: 1,
    viewers: 0,
    missed: 0,
    delivered: 0,
    delay_ms: null,
    analyses: [],
    ...change,
  };
}

/** A camera that nobody watches, for tests. */
export function testCamera(change: Partial<Camera> = {}): Camera {
  return {
    id: 'yard',
    name: 'Yard',
    url: 'http://***:***@10.0.0.6/stream',
    mode: 'stream',
    fps: null,
    user: null,
    default: false,
    configured: false,
    stream: null,
    ...change,
  };
}

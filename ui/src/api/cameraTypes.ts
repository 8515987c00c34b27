/** A camera that the server knows; `GET /api/v1/cameras`. */
export interface Camera {
  id: string;
  name: string;
  /** Name and password in it are masked. */
  url: string;
  mode: 'stream' | 'capture' | 'folder';
  /** How often single pictures are asked for; null: as often as the server likes. */
  fps: number | null;
  /** Whose camera it is: selected by the header `X-User-ID`. */
  user: string | null;
  default: boolean;
  /** It stands in the server's settings, and is changed there only. */
  configured: boolean;
  /** Null while nobody watches, for then it is closed. */
  stream: Stream | null;
}

export interface Cameras {
  cameras: Camera[];
  /** Cameras that are open now, and how many may be. */
  upstreams: number;
  max_upstreams: number;
  /** Whether this page may add and change cameras, and if not, why. */
  may_change?: boolean;
  why_not?: string | null;
}

/** What is sent to add or to change a camera. */
export interface CameraChange {
  name?: string;
  url?: string;
  mode?: Camera['mode'];
  fps?: number;
  /** An empty one is none. */
  user?: string;
  default?: boolean;
}

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
}

/** An open camera; `GET /api/v1/streams`. */
export interface Stream {
  id: string;
  kind: string;
  name: string;
  url: string;
  state: 'starting' | 'running' | 'stalled' | 'frozen' | 'ended';
  /** Why, for people. While `starting`, one says that it has failed at least once. */
  reason: string | null;
  /** For how long it has been in this state. */
  since_s: number;
  /** It sends far fewer pictures than it usually does. */
  slow?: { fps: number; usual_fps: number } | null;
  fps: number;
  bytes_per_s: number;
  width: number | null;
  height: number | null;
  last_picture_age_s: number | null;
  pictures: number;
  bytes: number;
  broken: number;
  skipped_bytes: number;
  wrong_lengths: number;
  connects: number;
  viewers: number;
  missed: number;
  delivered: number;
  /** From a picture's arrival to a viewer's socket, over the last seconds; null without viewers. */
  delay_ms: Quantiles | null;
  analyses: Analysis[];
}

/** What a model makes of a stream, once for all who watch it. */
export interface Analysis {
  model: string;
  fps: number;
  skip_frames: number;
  provider: string | null;
  precision: string | null;
  frames_per_s: number;
  analysed_per_s: number;
  objects: Record<string, number>;
  delay_ms: Record<'decoded' | 'inferred' | 'encoded', Quantiles | null>;
  views: unknown[];
}

/** Somebody who watches a stream. */
export interface Viewer {
  id: number;
  peer: string;
  kind: 'mjpeg' | 'events' | 'websocket';
  endpoint: string;
  since_s: number;
  delivered: number;
  missed: number;
  lost_percent: number;
  quality: 'original' | number | null;
  bytes: number;
}

/** `GET /api/v1/streams/{id}`. */
export interface StreamDetails extends Stream {
  viewer_list: Viewer[];
}

export interface Detection {
  label: string;
  class: number;
  confidence: number;
  /** Left, top, right, bottom in pixels. */
  box: [number, number, number, number];
  track: number | null;
}

/** One message of `GET /api/v1/streams/{id}/detections`. */
export interface Detections {
  stream: string;
  sequence: number;
  captured: string;
  width: number;
  height: number;
  model: string;
  delay_ms: number;
  detections: Detection[];
}

/** What finds objects; part of `GET /api/v1/status`. */
export interface DetectorStatus {
  model: string;
  /** `idle`: nobody has looked for objects yet, so nothing is loaded. */
  state: 'idle' | 'fetching' | 'loading' | 'ready' | 'failed';
  note: string | null;
  progress: number | null;
  provider: string | null;
  precision: string | null;
  threads: number | null;
  labels: string[];
  confidence: number;
}

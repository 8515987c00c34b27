import type { Analysis, Quantiles, Stream } from './cameraTypes';

/** What goes through the relay, and how much of it may be; also part of `GET /api/v1/status`. */
export interface RelayTotals {
  streams: number;
  max_streams: number;
  viewers: number;
  max_viewers: number;
  frames_in_per_s: number;
  frames_out_per_s: number;
  bytes_in_per_s: number;
  bytes_out_per_s: number;
  /** Over the last 2 s, of all viewers. */
  lost_percent: number;
}

export interface CameraTotals {
  upstreams: number;
  max_upstreams: number;
  viewers: number;
  max_viewers: number;
  analyses: number;
  max_analyses: number;
}

export interface ProcessTotals {
  cpu_percent?: number;
  memory_bytes?: number;
  threads?: number;
  connections: number;
  max_connections: number;
}

/**
 * A stream as `WS /api/v1/live` sends it: without the fields that would be null. `mode` is how a
 * camera is read, or how a sender wants to be analysed.
 */
export interface LiveStream {
  id: string;
  kind: 'relay' | 'camera';
  name: string;
  state: Stream['state'];
  reason?: string;
  since_s: number;
  slow?: { fps: number; usual_fps: number };
  mode?: 'normal' | 'enhanced' | 'stream' | 'capture' | 'folder';
  protocol?: 'text' | 'binary';
  peer?: string;
  url?: string;
  fps: number;
  bytes_per_s: number;
  fps_out?: number;
  bytes_out_per_s?: number;
  width?: number;
  height?: number;
  last_picture_age_s?: number;
  pictures: number;
  bytes: number;
  broken?: number;
  /** Of a relay stream: frames that were no pictures, and those over `relay.max_fps`. */
  bad?: number;
  dropped?: number;
  connects?: number;
  viewers: number;
  missed: number;
  delivered: number;
  /** Of all its viewers, over the last 2 s. */
  lost_percent?: number;
  delay_ms?: Quantiles;
  analyses?: LiveAnalysis[];
}

export type LiveAnalysis = Pick<Analysis, 'model' | 'fps' | 'frames_per_s' | 'analysed_per_s'> & {
  delay_ms?: Partial<Record<Stage, Quantiles | null>>;
};

/** Where a picture has been once it was captured, before it is delivered. */
export type Stage = 'decoded' | 'inferred' | 'encoded';

export type ViewerKind = 'mjpeg' | 'events' | 'websocket' | 'relay' | 'relay_binary';

export interface LiveViewer {
  id: number;
  peer?: string;
  kind: ViewerKind;
  endpoint: string;
  streams: string[];
  since_s: number;
  delivered: number;
  missed: number;
  /** Over the last 2 s. */
  lost_percent: number;
  fps?: number;
  bytes: number;
  bytes_per_s?: number;
  quality?: 'original' | number;
  /** These three only for viewers over WebSocket. */
  rtt_ms?: number;
  write_ms?: number;
  deadline_ms?: number;
}

/** All that `WS /api/v1/live` tells. */
export interface LiveData {
  /** The server's clock, seconds since 1970. */
  time: number;
  server: { version: string; uptime_s: number };
  process: ProcessTotals;
  relay: RelayTotals;
  cameras: CameraTotals;
  streams: Record<string, LiveStream>;
  viewers: Record<string, LiveViewer>;
  /** Whether this page may end streams and viewers. */
  may_manage: boolean;
}

import type {
  AnalysisMode,
  Detection as Found,
  Overlay as Drawn,
  OverlayMetrics,
  StreamKind,
  StreamState,
  ToViewer,
} from '../api.js';

/** Something that a model found in a picture. */
export type Detection = Pick<Found, 'label' | 'confidence' | 'track'> & {
  /** Left, top, right, bottom in pixels of the analysed picture. */
  box: Readonly<Found['box']>;
};

/** What a model made of a stream's picture. */
export interface Overlay {
  stream: string;
  /** The number of the picture. */
  frame: number;
  model: string | null;
  /** Size of the analysed picture; null where the server does not say. */
  width: number | null;
  height: number | null;
  /** From the picture's arrival at the server to this. */
  delayMs: number | null;
  detections: readonly Detection[];
  /** Points, in pixels of the analysed picture or in shares of it (0 to 1). */
  landmarks: readonly { x: number; y: number }[];
  /** Which landmarks are joined: pairs of indices. */
  connections: readonly (readonly [number, number])[];
}

export type Mode = AnalysisMode;
export type Kind = StreamKind;
export type ServerState = Exclude<StreamState, 'ended'>;

/** What the server says besides pictures. Times in `Date.now()` time by the server's clock. */
export type ViewerMessage =
  | { type: 'viewer_connected'; streams: string[] }
  | {
      type: 'stream_state';
      stream: string;
      kind: Kind;
      state: ServerState;
      reason: string | null;
      sinceMs: number;
      mode: Mode | null;
      atMs: number;
    }
  | { type: 'stream_ended'; stream: string; reason: string | null; atMs: number }
  | { type: 'overlay'; overlay: Overlay }
  | { type: 'ping' }
  | { type: 'pong'; atMs: number }
  | { type: 'error'; message: string };

/** A message, or a part of one, as it came: what is in it has still to be looked at. */
export type Unchecked<T> = Partial<Record<T extends unknown ? keyof T : never, unknown>>;

/** Null where it is nothing that is known here: newer servers may say more. */
export function readMessage(text: string): ViewerMessage | null {
  let message: Unchecked<ToViewer>;
  try {
    message = fields(JSON.parse(text));
  } catch {
    return null;
  }
  const stream = string(message.patient_id) ?? '';
  const atMs = (number(message.timestamp) ?? 0) * 1000;
  switch (message.type as ToViewer['type']) {
    case 'viewer_connected':
      return {
        type: 'viewer_connected',
        streams: list(message.active_streams).filter((id) => typeof id === 'string'),
      };
    case 'stream_state': {
      const state = STATES.find((one) => one === message.state);
      if (stream === '' || state === undefined) return null;
      return {
        type: 'stream_state',
        stream,
        kind: message.kind === 'camera' ? 'camera' : 'relay',
        state,
        reason: string(message.reason),
        sinceMs: (number(message.since_s) ?? 0) * 1000,
        mode: MODES.find((one) => one === message.analysis_mode) ?? null,
        atMs,
      };
    }
    case 'stream_ended':
      if (stream === '') return null;
      return { type: 'stream_ended', stream, reason: string(message.reason), atMs };
    case 'overlay_data':
      if (stream === '') return null;
      return {
        type: 'overlay',
        overlay: readOverlay(stream, number(message.frame_num) ?? 0, fields(message.data)),
      };
    case 'ping':
      return { type: 'ping' };
    case 'pong':
      return { type: 'pong', atMs };
    case 'error':
      return { type: 'error', message: string(message.message) ?? 'The server refused' };
    default:
      return null;
  }
}

const STATES: readonly ServerState[] = ['starting', 'running', 'stalled', 'frozen'];
const MODES: readonly Mode[] = ['normal', 'enhanced'];

function readOverlay(stream: string, frame: number, data: Unchecked<Drawn>): Overlay {
  const metrics: Unchecked<OverlayMetrics> = fields(data.metrics);
  const landmarks = list(data.landmarks);
  // Older servers counted landmarks, and gave them no ids.
  const ids = landmarks.map((one) => number(fields(one).id));
  const hasIds = ids.some((id) => id !== null);
  const indexOf = (id: number | null) => (hasIds && id !== null ? ids.indexOf(id) : id);
  return {
    stream,
    frame,
    model: string(metrics.model),
    width: number(metrics.width),
    height: number(metrics.height),
    delayMs: number(metrics.delay_ms),
    detections: list(metrics.detections).flatMap(readDetection),
    landmarks: landmarks.flatMap(readPoint),
    connections: list(data.connections).flatMap((pair) => {
      const [from, to] = list(pair).map((id) => indexOf(number(id)));
      return from == null || to == null || from < 0 || to < 0 ? [] : [[from, to] as const];
    }),
  };
}

function readDetection(value: unknown): Detection[] {
  const { label, confidence, box, track }: Unchecked<Found> = fields(value);
  const [left, top, right, bottom] = list(box).map(number);
  if (left == null || top == null || right == null || bottom == null) return [];
  return [
    {
      label: string(label) ?? '',
      confidence: number(confidence) ?? 0,
      box: [left, top, right, bottom],
      track: number(track),
    },
  ];
}

function readPoint(value: unknown): { x: number; y: number }[] {
  const { x, y } = Array.isArray(value)
    ? { x: value[0] as unknown, y: value[1] as unknown }
    : fields(value);
  const point = { x: number(x), y: number(y) };
  // A point that is none keeps its place: connections count them.
  return [{ x: point.x ?? NaN, y: point.y ?? NaN }];
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

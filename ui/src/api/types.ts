/** Answer of `GET /api/v1/status`. */
export interface Status {
  version: string;
  uptime_s: number;
  engine: {
    /** Null while no model is loaded, and for a dummy. */
    provider: string | null;
    requested: string;
    runtime_version: string | null;
    threads: number | null;
    precision: string | null;
    jpeg: string;
    note: string | null;
  };
  recognizer: {
    model: string;
    task: string;
    state: 'loading' | 'ready' | 'failed' | 'dummy';
    error: string | null;
    labels: string[];
    window: number | null;
    threshold: number | null;
    clients: number;
    max_clients: number;
    frames_per_s: number;
    analysed_per_s: number;
    predictions_per_s: number;
    delay_ms: { p50: number | null; p95: number | null };
    overloaded: boolean;
  };
  process: {
    cpu_percent: number | null;
    memory_bytes: number | null;
    threads: number | null;
  };
}

/** Answer of `GET /api/v1/samples`. */
export interface Samples {
  fps: number;
  gestures: string[];
}

/** Answer of `GET /api/v1/samples/{gesture}`. */
export interface SampleClip {
  gesture: string;
  fps: number;
  /** Pictures as data URLs. */
  frames: string[];
}

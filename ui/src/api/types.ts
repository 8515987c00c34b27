import type { DetectorStatus } from './cameraTypes';
import type { RelayTotals } from './liveTypes';
import type { ReaderStatus } from './readTypes';

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
    /** `amx` is `absent`, `usable`, `unusable` (announced, but not to be trusted) or `off`. */
    cpu: { name: string; extensions: string; amx: string };
    /** What this machine does not do, and why, in words. */
    warnings: string[];
  };
  recognizer: {
    model: string;
    task: string;
    state: 'loading' | 'ready' | 'failed' | 'dummy';
    error: string | null;
    /** The command that gets what is missing, where that is why there is no model. An older server does not say. */
    cure?: string | null;
    /** What goes on while the model is read or imported; `progress` from 0 to 1 where it is known. */
    loading: { text: string; progress: number | null } | null;
    /** The model is being changed to this one. */
    switching: { to: string } | null;
    /** What the operator should know, in words. */
    warning: string | null;
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
  /** What is in use of what the settings allow. */
  cameras?: {
    upstreams: number;
    max_upstreams: number;
    viewers: number;
    frames_per_s: number;
  };
  /** What goes through the relay. A server of an older kind has none. */
  relay?: RelayTotals;
  detector?: DetectorStatus;
  reader?: ReaderStatus;
  process: {
    cpu_percent: number | null;
    memory_bytes: number | null;
    threads: number | null;
  };
}

/** A model that the server knows, whether it can be used at once or not. */
export interface ModelEntry {
  name: string;
  task: string;
  title: string;
  licence: string;
  /** Where it comes from, in words. */
  source: string;
  active: boolean;
  /** All its files are there. */
  available: boolean;
  /** Markdown. */
  card: string | null;
  labels: string[] | null;
  size_bytes: number | null;
  /** How it is run; null for what is no clip model, or is not imported yet. */
  clip: {
    window: number;
    width: number;
    height: number;
    threshold: number;
    precision: string;
    /** In two networks, one for a frame and one for a window; else in one for the whole window. */
    split: boolean;
  } | null;
  /** What it was imported from. */
  imported: {
    from: string;
    keras: string | null;
    /** Largest difference of a probability between the original and the import. */
    difference: number;
    notes?: string[];
  } | null;
  /** What has to be done on the server's machine before it can be used. */
  needs: 'pull' | 'import' | null;
}

/** Answer of `GET /api/v1/models`. */
export interface Models {
  models: ModelEntry[];
  /** Manifests that could not be read. */
  errors: string[];
  /** Whether this page may change the model, and if not, why, for people. */
  may_activate: boolean;
  why_not: string | null;
}

/** Answer of `GET /api/v1/runtime`. */
export interface RuntimeState {
  missing: boolean;
  may_get: boolean;
  /** Why this browser may not, in words. */
  why_not: string | null;
}

/** Answer of `POST /api/v1/models/{name}/activate`. */
export interface Activated {
  model: string;
  took_ms: number;
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

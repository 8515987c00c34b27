import type {
  Camera,
  CameraTotals,
  Document,
  Job,
  JobFile,
  JobOptions,
  Model,
  RecognizerStatus,
  RelayTotals,
  Status,
  Stream,
} from 'sightwire/api';
import type { LiveData, LiveStream, LiveViewer } from '../api/live';

// Whole answers of the server, for tests: what a test does not name is as it usually is.

/** A camera that is open and runs well. */
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
    fps_out: 0,
    bytes_per_s: 1_500_000,
    bytes_out_per_s: 0,
    width: 640,
    height: 480,
    last_picture_age_s: 0.04,
    pictures: 1234,
    bytes: 61_700_000,
    received_bytes: 61_800_000,
    broken: 0,
    skipped_bytes: 0,
    wrong_lengths: 0,
    connects: 1,
    viewers: 0,
    missed: 0,
    delivered: 0,
    lost_percent: 0,
    delay_ms: null,
    analyses: [],
    ...change,
  };
}

/** A camera that nobody watches. */
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

/** A stream of a sender, as it is told live. */
export function relayStream(change: Partial<LiveStream> = {}): LiveStream {
  return {
    id: 'P-1',
    kind: 'relay',
    name: 'P-1',
    state: 'running',
    since_s: 60,
    mode: 'normal',
    protocol: 'binary',
    peer: '127.0.0.1:5000',
    fps: 25,
    fps_out: 50,
    bytes_per_s: 2_500_000,
    bytes_out_per_s: 5_000_000,
    pictures: 1500,
    bytes: 150_000_000,
    received_bytes: 150_000_000,
    broken: 0,
    skipped_bytes: 0,
    wrong_lengths: 0,
    connects: 0,
    bad: 0,
    dropped: 0,
    viewers: 2,
    missed: 0,
    delivered: 3000,
    lost_percent: 0,
    analyses: [],
    ...change,
  };
}

/** What a model makes of a stream, as it is told live; nothing is known of its delay. */
export function liveAnalysis(
  change: Partial<LiveStream['analyses'][number]> = {},
): LiveStream['analyses'][number] {
  return {
    model: 'motion',
    fps: 5,
    skip_frames: 1,
    provider: 'cpu',
    precision: 'f32',
    frames_per_s: 5,
    analysed_per_s: 5,
    failed: 0,
    objects: {},
    delay_ms: {},
    views: [],
    ...change,
  };
}

/** Somebody who watches over the relay, as it is told live. */
export function liveViewer(change: Partial<LiveViewer> = {}): LiveViewer {
  return {
    id: 12,
    peer: '127.0.0.1:6000',
    kind: 'relay',
    endpoint: '/ws/view',
    streams: ['P-1'],
    since_s: 30,
    delivered: 750,
    missed: 0,
    lost_percent: 0,
    fps: 25,
    bytes: 75_000_000,
    bytes_per_s: 2_500_000,
    quality: 'original',
    rtt_ms: 1.2,
    write_ms: 0.3,
    deadline_ms: 1000,
    ...change,
  };
}

const CAMERAS: CameraTotals = {
  known: 0,
  named: 0,
  max_named: 4,
  upstreams: 0,
  max_upstreams: 5,
  viewers: 0,
  max_viewers: 1000,
  analyses: 0,
  max_analyses: 8,
  views: 0,
  max_views: 16,
  frames_per_s: 0,
  bytes_in_per_s: 0,
  bytes_out_per_s: 0,
};

const RELAY: RelayTotals = {
  streams: 0,
  max_streams: 64,
  viewers: 0,
  max_viewers: 1000,
  frames_in_per_s: 25,
  frames_out_per_s: 50,
  bytes_in_per_s: 2_500_000,
  bytes_out_per_s: 5_000_000,
  lost_percent: 0,
};

interface Contents {
  time?: number;
  streams?: LiveStream[];
  viewers?: LiveViewer[];
}

/** Everything that is told live. */
export function liveData({ time = 1000, streams = [], viewers = [] }: Contents = {}): LiveData {
  return {
    time,
    server: { version: '0.1.0', uptime_s: 120 },
    process: {
      cpu_percent: 12,
      memory_bytes: 90_000_000,
      threads: 9,
      connections: 3,
      max_connections: 1024,
    },
    relay: { ...RELAY, streams: streams.length, viewers: viewers.length },
    cameras: CAMERAS,
    streams: Object.fromEntries(streams.map((stream) => [stream.id, stream])),
    viewers: Object.fromEntries(viewers.map((viewer) => [String(viewer.id), viewer])),
    ended: {},
    may_manage: true,
  };
}

/** A server at rest, whose recogniser is as `change` says. */
export function testStatus(change: Partial<RecognizerStatus> = {}): Status {
  return {
    version: '0.1.0',
    uptime_s: 1,
    engine: {
      provider: 'cpu',
      requested: 'auto',
      runtime_version: '1.24.1',
      threads: 1,
      precision: 'f32',
      networks: [],
      jpeg: 'zune-jpeg',
      note: null,
      cpu: { name: 'a CPU', extensions: 'avx2', amx: 'absent' },
      warnings: [],
    },
    recognizer: {
      model: 'gestures',
      task: 'clip-classification',
      state: 'ready',
      error: null,
      cure: null,
      last: null,
      loading: null,
      switching: null,
      warning: null,
      labels: [],
      window: 10,
      threshold: 0.5,
      clients: 0,
      max_clients: 50,
      capacity_fps: 1000,
      longest_wait_s: 0,
      frames_total: 0,
      frames_per_s: 0,
      frames_analysed_total: 0,
      analysed_per_s: 0,
      better: null,
      predictions_total: 0,
      predictions_per_s: 0,
      delay_ms: { p50: null, p95: null },
      overloaded: false,
      ...change,
    },
    detector: {
      hands: null,
      pose: null,
      model: 'motion',
      state: 'idle',
      note: null,
      progress: null,
      provider: null,
      precision: null,
      threads: null,
      labels: [],
      confidence: 0.25,
      runs: 0,
      busy_s: 0,
    },
    reader: {
      drawing: { available: true, why: null },
      model: 'ppocr-v4',
      models: [],
      state: 'idle',
      error: null,
      progress: null,
      provider: null,
      precision: null,
      threads: 1,
      sessions: 0,
      waiting: 0,
      reading: 0,
      pictures: 0,
      lines: 0,
      failed: 0,
      refused: 0,
      workers: false,
      jobs: { running: 0, waiting: 0, ended: 0, kept: 0, kept_bytes: 0 },
      limits: {
        deadline_s: 60,
        job_ttl_s: 3600,
        display_size: 2048,
        keep_pictures: 10,
        max_image_mb: 64,
        max_job_files: 10_000,
        max_job_mb: 4096,
        max_jobs: 4,
        max_pages: 50,
        max_pixels: 100_000_000,
        max_side_px: 30_000,
      },
    },
    cameras: CAMERAS,
    relay: RELAY,
    connections: {
      open: 1,
      max: 1024,
      polling_sessions: 0,
      accept_failures: 0,
      timed_out: 0,
      given_up: 0,
      receiving_bytes: 0,
      receiving_max_bytes: 268_435_456,
      sending_bytes: 0,
      sending_max_bytes: 268_435_456,
      decoding_bytes: 0,
      decoding_max_bytes: 268_435_456,
    },
    memory: {
      budget_bytes: 1_073_741_824,
      used_bytes: 0,
      is_full: false,
      refused: { batches: 0, cameras: 0, clients: 0, pictures: 0, streams: 0, viewers: 0 },
    },
    process: { cpu_percent: 0, cpu_seconds: 0, memory_bytes: 0, threads: 1 },
  };
}

/** The model that is in use. */
export function testModel(change: Partial<Model> = {}): Model {
  return {
    name: 'gestures',
    task: 'clip-classification',
    title: 'Hand-motion gestures',
    licence: 'MIT OR Apache-2.0',
    source: 'made by the project',
    active: true,
    available: true,
    recognizer: true,
    card: null,
    labels: ['still', 'left'],
    size_bytes: 1_757_718,
    clip: { window: 10, width: 224, height: 224, threshold: 0.5, precision: 'f32', split: true },
    imported: null,
    needs: null,
    ...change,
  };
}

/** How a job's files are read: the usual way. */
export function testOptions(change: Partial<JobOptions> = {}): JobOptions {
  return {
    model: 'ppocr-v4',
    threshold: 0.3,
    box_threshold: 0.5,
    unclip: 1.6,
    max_side: 2000,
    max_candidates: 10_000,
    min_detection_size: 0,
    min_confidence: 0,
    angle: true,
    deskew: false,
    contrast: false,
    denoise: false,
    ...change,
  };
}

/** A job of three files, one of which is read. */
export function testJob(change: Partial<Job> = {}): Job {
  return {
    id: 'a',
    state: 'running',
    created: 1000,
    options: testOptions(),
    files: 3,
    done: 1,
    failed: 0,
    cancelled: 0,
    waiting: 2,
    reading: 0,
    regions: 12,
    left_out: 0,
    characters: 100,
    mean_confidence: 0.9,
    ms: 1000,
    files_per_s: 1,
    left_s: 2,
    keep: 10,
    ...change,
  };
}

/** A file that was read, and whose picture was let go. */
export function testFile(change: Partial<JobFile> = {}): JobFile {
  return {
    index: 0,
    name: 'page-0.png',
    bytes: 1,
    state: 'done',
    error: null,
    pages: 1,
    width: 1,
    height: 1,
    regions: 0,
    left_out: 0,
    confidence: 0.9,
    ms: 1,
    picture: false,
    ...change,
  };
}

/** What was read in a file with these lines. */
export function testDocument(regions: Document['regions']): Document {
  const { model, ...options } = testOptions();
  return {
    file: 'page-0.png',
    format: 'png',
    model,
    provider: 'cpu',
    precision: { detection: 'f32', recognition: 'f32' },
    options,
    pages: [{ page: 1, width: 100, height: 100, skew: 0, left_out: 0 }],
    regions,
    mean_confidence: 0.9,
    text: regions.map(({ text }) => text).join('\n'),
    ms: { wait: 0, decode: 1, prepare: 1, detect: 1, recognise: 1, total: 4 },
  };
}

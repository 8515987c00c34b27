import type { LiveData, LiveStream, LiveViewer } from '../api/liveTypes';

/** A relay stream as the server tells of it, for tests. */
export function relayStream(change: Partial<LiveStream>): LiveStream {
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
    bytes_per_s: 2_500_000,
    fps_out: 50,
    bytes_out_per_s: 5_000_000,
    pictures: 1500,
    bytes: 150_000_000,
    bad: 0,
    dropped: 0,
    viewers: 2,
    missed: 0,
    delivered: 3000,
    lost_percent: 0,
    ...change,
  };
}

export function liveViewer(change: Partial<LiveViewer>): LiveViewer {
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

interface Contents {
  time?: number;
  streams?: LiveStream[];
  viewers?: LiveViewer[];
}

export function liveData({ time = 1000, streams = [], viewers = [] }: Contents): LiveData {
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
    relay: {
      streams: streams.length,
      max_streams: 64,
      viewers: viewers.length,
      max_viewers: 1000,
      frames_in_per_s: 25,
      frames_out_per_s: 50,
      bytes_in_per_s: 2_500_000,
      bytes_out_per_s: 5_000_000,
      lost_percent: 0,
    },
    cameras: {
      upstreams: 0,
      max_upstreams: 5,
      viewers: 0,
      max_viewers: 1000,
      analyses: 0,
      max_analyses: 8,
    },
    streams: Object.fromEntries(streams.map((stream) => [stream.id, stream])),
    viewers: Object.fromEntries(viewers.map((viewer) => [String(viewer.id), viewer])),
    may_manage: true,
  };
}

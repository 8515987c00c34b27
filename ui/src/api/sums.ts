import type { LiveData, LiveStream } from './live';

/** Over all streams, those of cameras included: what the headline says and what the tiles show. */
export interface Sums {
  streams: number;
  /** Those of cameras among them. */
  cameras: number;
  viewers: number;
  fpsIn: number;
  fpsOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Percent of all frames for viewers; null where there were none. */
  lost: number | null;
}

/** How many viewers watch a camera, over whichever way. */
export function viewersOfCameras({
  streams,
  viewers,
}: Pick<LiveData, 'streams' | 'viewers'>): number {
  const isCamera = (id: string) => Object.hasOwn(streams, id) && streams[id]?.kind === 'camera';
  return Object.values(viewers).filter((viewer) => viewer.streams.some(isCamera)).length;
}

/** Who does not see the viewers is told how many the streams have. */
export function sums(
  { streams, viewers }: Pick<LiveData, 'streams' | 'viewers'>,
  seesViewers = true,
): Sums {
  const all = Object.values(streams);
  const sum = (of: (stream: (typeof all)[number]) => number) =>
    all.reduce((total, stream) => total + of(stream), 0);
  const out = sum(({ fps_out }) => fps_out);
  const meant = sum(
    ({ fps_out, lost_percent }) => fps_out / Math.max(0.01, 1 - lost_percent / 100),
  );
  return {
    streams: all.length,
    cameras: all.filter(({ kind }) => kind === 'camera').length,
    viewers: seesViewers ? Object.keys(viewers).length : sum((stream) => stream.viewers),
    fpsIn: sum(({ fps }) => fps),
    fpsOut: out,
    bytesIn: sum(({ bytes_per_s }) => bytes_per_s),
    bytesOut: sum(({ bytes_out_per_s }) => bytes_out_per_s),
    lost: meant > 0 ? (100 * (meant - out)) / meant : null,
  };
}

/** What its viewers lost lately, in percent; null where nobody watches. */
export function lostOf({ viewers, lost_percent }: LiveStream): number | null {
  return viewers === 0 ? null : lost_percent;
}

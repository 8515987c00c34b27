import type { Viewer, ViewerSnapshot } from 'sightwire/relay';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Painter } from './painter';
import { ALL } from './settings';
import { Wall } from './wall';

interface UseWall {
  viewer: Viewer;
  painter: Painter<ImageBitmap>;
  snapshot: ViewerSnapshot;
  /** `performance.now()` as of about a second ago at most. */
  nowMs: number;
}

/** The streams of this wall, for as long as the page is there. */
export function useWall(streams: readonly string[], overlays: boolean): UseWall {
  const [wall] = useState(() => new Wall());
  const { viewer, painter } = wall;
  const listed = streams.length === 1 && streams[0] === ALL ? undefined : streams;
  // Before the start, or the first connection would ask for something else.
  useEffect(() => viewer.watch({ streams: listed, overlays }), [viewer, listed, overlays]);
  useEffect(() => {
    wall.start();
    return () => wall.stop();
  }, [wall]);
  const snapshot = useSyncExternalStore(viewer.subscribe, viewer.snapshot);
  return { viewer, painter, snapshot, nowMs: useNow(500) };
}

function useNow(everyMs: number): number {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}

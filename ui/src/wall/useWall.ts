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

/** The streams of this wall, for as long as the page is there; undefined: they are not known yet. */
export function useWall(streams: readonly string[] | undefined, overlays: boolean): UseWall {
  const [wall] = useState(() => new Wall());
  const { viewer, painter } = wall;
  const known = streams !== undefined;
  // The same names are the same wall, whatever list they stand in.
  const names = streams?.map(encodeURIComponent).join(',') ?? '';
  // Before the start, or the first connection would ask for something else.
  useEffect(() => {
    if (!known) return;
    const list = names.split(',').map(decodeURIComponent);
    viewer.watch({ streams: list.length === 1 && list[0] === ALL ? undefined : list, overlays });
  }, [viewer, known, names, overlays]);
  useEffect(() => {
    if (!known) return undefined;
    wall.start();
    return () => wall.stop();
  }, [wall, known]);
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

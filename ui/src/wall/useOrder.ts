import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import type { StreamView, Viewer } from 'sightwire/relay';
import { type Kept, moved, ordered } from './order';

interface Options {
  viewer: Viewer;
  /** Of the viewer, as they come. */
  all: readonly StreamView[];
  order: readonly string[];
  /** What cameras are called. */
  names: ReadonlyMap<string, string>;
  keep: (change: Pick<Kept, 'order'>) => void;
  /** Where the tiles are. */
  room: RefObject<HTMLElement | null>;
}

interface UseOrder {
  /** Those that are shown, in their order. */
  streams: StreamView[];
  /** Puts a stream away that has ended. */
  remove: (id: string) => void;
  move: (id: string, by: number) => void;
  drop: (id: string, onto: string) => void;
}

/** The streams that have not been put away, in the order that they were moved to, or by name. */
export function useOrder({ viewer, all, order, names, keep, room }: Options): UseOrder {
  /** Streams that have ended and were put away: which end it was. */
  const [away, setAway] = useState<ReadonlyMap<string, number>>(new Map());
  const streams = ordered(
    all.filter(({ id, state, sinceMs }) => state !== 'ended' || away.get(id) !== sinceMs),
    order,
    names,
  );
  const present = streams.map(({ id }) => id);
  const shown = useRef<readonly string[]>(present);
  useEffect(() => {
    shown.current = present;
  });

  const remove = useCallback(
    (id: string) => {
      const ended = viewer.snapshot().streams.find((stream) => stream.id === id);
      if (ended === undefined) return;
      // The focus would be lost with the tile.
      const tiles = [...(room.current?.querySelectorAll<HTMLElement>('[data-tile]') ?? [])];
      const at = tiles.findIndex((tile) => tile.dataset.tile === id);
      (tiles[at + 1] ?? tiles[at - 1])?.focus({ preventScroll: true });
      setAway((before) => new Map(before).set(id, ended.sinceMs));
    },
    [viewer, room],
  );
  const move = useCallback(
    (id: string, by: number) => keep({ order: moved(order, shown.current, id, by) }),
    [keep, order],
  );
  const drop = useCallback(
    (id: string, onto: string) => move(id, shown.current.indexOf(onto) - shown.current.indexOf(id)),
    [move],
  );
  return { streams, remove, move, drop };
}

import { type RefCallback, useCallback, useState } from 'react';
import type { GridPictures, News } from '../pictures/gridPictures';
import type { PictureFailure } from '../state/streamWords';

export interface TilePicture {
  canvas: RefCallback<HTMLCanvasElement>;
  /** There is something on the canvas. */
  painted: boolean;
  /** Why the newest request brought no picture; null if it did, and before the first. */
  failure: PictureFailure | null;
  /** It is in sight, so pictures are asked for. */
  wanted: boolean;
}

/** Pictures for one tile for as long as it is in sight, or nearly so. */
export function useTilePicture(pictures: GridPictures, id: string): TilePicture {
  const [painted, setPainted] = useState(false);
  const [failure, setFailure] = useState<PictureFailure | null>(null);
  const [wanted, setWanted] = useState(false);
  const canvas = useCallback(
    (element: HTMLCanvasElement | null) => {
      if (element === null) return undefined;
      let leave: (() => void) | undefined;
      const told = (news: News) => {
        if (news === 'picture') setPainted(true);
        if (news === 'old') setPainted(false);
        const next = typeof news === 'string' ? null : news;
        setFailure((now) =>
          now?.status === next?.status && now?.detail === next?.detail ? now : next,
        );
      };
      const observer = new IntersectionObserver(
        (entries) => {
          const inSight = entries.at(-1)?.isIntersecting === true;
          setWanted(inSight);
          if (inSight) leave ??= pictures.join(id, element, told);
          else {
            leave?.();
            leave = undefined;
          }
        },
        { rootMargin: '100px' },
      );
      observer.observe(element);
      return () => {
        observer.disconnect();
        leave?.();
      };
    },
    [pictures, id],
  );
  return { canvas, painted, failure, wanted };
}

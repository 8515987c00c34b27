import { type RefCallback, useCallback, useState } from 'react';
import type { Box } from './layout';

const NONE: Box = { width: 0, height: 0 };

/** The room that an element has, in whole pixels. */
export function useBox(): [RefCallback<HTMLElement>, Box] {
  const [box, setBox] = useState(NONE);
  const watch = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const observer = new ResizeObserver((entries) => {
      const { width = 0, height = 0 } = entries.at(-1)?.contentRect ?? {};
      const next = { width: Math.floor(width), height: Math.floor(height) };
      setBox((now) => (now.width === next.width && now.height === next.height ? now : next));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [watch, box];
}

import { type RefObject, useCallback, useEffect, useState } from 'react';
import { scrollToShow, type Window, windowOf } from './window';

interface Virtual {
  window: Window;
  show: (index: number) => void;
}

/** Which rows of a scrolled list have to be there. `headPx`: what sticks at its top. */
export function useWindow(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowPx: number,
  headPx = 0,
): Virtual {
  const [window, setWindow] = useState<Window>({ first: 0, end: Math.min(count, 30) });
  const update = useCallback(() => {
    const { current } = scroller;
    if (current === null) return;
    const next = windowOf(count, rowPx, current.scrollTop, current.clientHeight - headPx);
    setWindow((before) => (before.first === next.first && before.end === next.end ? before : next));
  }, [scroller, count, rowPx, headPx]);
  useEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    const sizes = new ResizeObserver(update);
    sizes.observe(current);
    current.addEventListener('scroll', update, { passive: true });
    return () => {
      sizes.disconnect();
      current.removeEventListener('scroll', update);
    };
  }, [scroller, update]);
  const show = useCallback(
    (index: number) => {
      const { current } = scroller;
      if (current === null || index < 0) return;
      const height = current.clientHeight - headPx;
      current.scrollTo({ top: scrollToShow(index, rowPx, current.scrollTop, height) });
    },
    [scroller, rowPx, headPx],
  );
  // A shorter list than the one that was measured.
  const end = Math.min(window.end, count);
  return { window: { first: Math.min(window.first, end), end }, show };
}

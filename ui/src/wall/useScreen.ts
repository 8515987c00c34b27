import { type RefCallback, useCallback, useRef, useState } from 'react';
import type { Painter, Screen } from './painter';
import { draw, place } from './marks';
import type { Overlay } from 'sightwire/relay';

interface UseScreen {
  /** For the element with two canvases in it: the picture's, and over it that of the marks. */
  frame: RefCallback<HTMLElement>;
  /** There is something on the canvas. */
  painted: boolean;
  /** Pictures come, and none of them can be shown. */
  broken: boolean;
  /** Width by height of the pictures; null before the first. */
  shape: number | null;
}

/** The pictures of one stream, as long as they are in sight. */
export function useScreen(painter: Painter<ImageBitmap>, stream: string): UseScreen {
  const [painted, setPainted] = useState(false);
  const [broken, setBroken] = useState(false);
  const [shape, setShape] = useState<number | null>(null);
  const isPainted = useRef(false);
  const frame = useCallback(
    (element: HTMLElement | null) => {
      const [picture, marks] = element?.querySelectorAll('canvas') ?? [];
      if (element === null || picture === undefined || marks === undefined) return undefined;
      const paint = (is: boolean) => {
        if (isPainted.current === is) return;
        isPainted.current = is;
        picture.toggleAttribute('data-empty', !is);
        setPainted(is);
      };
      const screen: Screen<ImageBitmap> = {
        show: (bitmap) => {
          const { width, height } = bitmap;
          // Setting the size wipes a canvas, even where it stays the same.
          if (picture.width !== width || picture.height !== height) {
            Object.assign(picture, { width, height });
            setShape(width / height);
          }
          // The canvas takes the picture as it is: drawn on it, it would be copied.
          picture.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
          paint(true);
        },
        blank: () => paint(false),
        mark: (overlay) => mark(marks, picture, overlay),
        broken: setBroken,
      };
      const { see, leave } = painter.join(stream, screen);
      const observer = new IntersectionObserver(
        (entries) => see(entries.at(-1)?.isIntersecting === true),
        { rootMargin: '50px' },
      );
      observer.observe(element);
      return () => {
        observer.disconnect();
        leave();
      };
    },
    [painter, stream],
  );
  return { frame, painted, broken, shape };
}

/** The canvas of the marks has the pixels of the screen, so that lines and words are sharp. */
function mark(canvas: HTMLCanvasElement, picture: HTMLCanvasElement, overlay: Overlay | null) {
  const ratio = window.devicePixelRatio;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const on = canvas.getContext('2d');
  if (on === null) return;
  if (overlay === null || !(width > 0)) on.clearRect(0, 0, width, height);
  else draw(on, place(overlay, picture, canvas), ratio);
}

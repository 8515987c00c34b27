import { type RefCallback, useCallback, useEffect, useRef, useState } from 'react';
import { createViewer, type StreamView, type Viewer } from 'sightwire/relay';
import { paint } from '../cameras/pictures/paint';
import { ownAddress } from '../base/basePath';

export interface Preview {
  canvas: RefCallback<HTMLCanvasElement>;
  /** What the viewer knows of the stream; null while there is no preview. */
  view: StreamView | null;
  /** It is connected: the server counts it as a viewer. */
  open: boolean;
  /** There is something on the canvas. */
  painted: boolean;
  /** When the view was made, in `performance.now()` time. */
  nowMs: number;
}

const NOTHING = { view: null, open: false, nowMs: 0 };

/** The stream as it comes back from the server, while the page is seen; null: no preview. */
export function usePreview(stream: string | null): Preview {
  const screen = useRef<HTMLCanvasElement | null>(null);
  const [state, setState] = useState<Pick<Preview, 'view' | 'open' | 'nowMs'>>(NOTHING);
  const [painted, setPainted] = useState(false);
  const canvas = useCallback((element: HTMLCanvasElement | null) => {
    screen.current = element;
  }, []);

  useEffect(() => {
    if (stream === null) return;
    const viewer = createViewer({
      url: ownAddress(),
      streams: [stream],
      onChange: ({ state: stand, streams }) => {
        const view = streams.find(({ id }) => id === stream) ?? null;
        setState({ view, open: stand === 'open', nowMs: performance.now() });
      },
    });
    let left = false;
    // What was being decoded when the preview ended is not to be seen after it.
    const painted = () => {
      if (!left) setPainted(true);
    };
    const show = () => void paintAll(viewer, screen, painted);
    const onVisibility = () => {
      viewer.stop();
      if (document.hidden) return;
      // Whoever comes back sees what is there then, never what was there before.
      setPainted(false);
      viewer.start();
      show();
    };
    document.addEventListener('visibilitychange', onVisibility);
    onVisibility();
    return () => {
      left = true;
      document.removeEventListener('visibilitychange', onVisibility);
      viewer.stop();
      setPainted(false);
      setState(NOTHING);
    };
  }, [stream]);

  return { canvas, painted, ...state };
}

/** One picture after the other, always the newest, until the viewer stops. */
async function paintAll(
  viewer: Viewer,
  screen: { readonly current: HTMLCanvasElement | null },
  painted: () => void,
): Promise<void> {
  for await (const { jpeg } of viewer) {
    const { current } = screen;
    if (current === null) continue;
    // A damaged picture is left out; the next one is on its way.
    await paint(current, new Blob([jpeg], { type: 'image/jpeg' })).then(painted, () => undefined);
  }
}

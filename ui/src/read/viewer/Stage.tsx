import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useRef } from 'react';
import type { Shown } from './paint';
import type { Loaded } from './pictureStore';
import { listenToGestures } from './gestures';
import { type Look, Scene } from './scene';
import type { Size } from './zoom';
import css from './Stage.module.css';

/** What buttons and keys elsewhere on the page do to the picture. */
export type StageControl = Pick<
  Scene,
  'zoomBy' | 'zoomTo' | 'fit' | 'isFitted' | 'show' | 'panBy' | 'view' | 'stageSize'
>;

interface Props {
  /** Another one is shown whole; the same one keeps its place. */
  name: string;
  label: string;
  /** Of the original. */
  size: Size;
  picture: Loaded | null;
  compared: { loaded: Loaded; at: number } | null;
  lines: readonly Shown[];
  look: Look;
  hovered: number | null;
  selected: number | null;
  onHover: (line: number | null) => void;
  onSelect: (line: number | null) => void;
  onScale: (scale: number) => void;
  control: RefObject<StageControl | null>;
  children: ReactNode;
}

const PAN_PX = 80;
/** More than two screen px for each px of the page cannot be told apart. */
const MOST_RATIO = 2;

/** The picture, to be moved and enlarged, with what was read in it. */
export function Stage(props: Props) {
  const { name, size, picture, compared, lines, look, hovered, selected, control } = props;
  const { width, height } = size;
  const stage = useRef<HTMLDivElement>(null);
  const low = useRef<HTMLCanvasElement>(null);
  const high = useRef<HTMLCanvasElement>(null);
  const scene = useRef<Scene | null>(null);
  const heard = useRef(props);
  useEffect(() => {
    heard.current = props;
  });

  useEffect(() => {
    const host = stage.current;
    if (host === null || low.current === null || high.current === null) return;
    const own = new Scene([low.current, high.current], (view, fitted) => {
      // At rest a finger scrolls the page; enlarged, it moves the picture.
      host.style.touchAction = fitted ? 'pan-y' : 'none';
      // For what lies over the picture and moves with it.
      for (const [part, value] of Object.entries(view)) {
        host.parentElement?.style.setProperty(`--view-${part}`, String(value));
      }
      heard.current.onScale(view.scale);
    });
    scene.current = own;
    heard.current.control.current = own;
    const fitIn = () =>
      own.resize(
        { width: host.clientWidth, height: host.clientHeight },
        Math.min(MOST_RATIO, devicePixelRatio),
      );
    const sizes = new ResizeObserver(fitIn);
    sizes.observe(host);
    const scheme = new MutationObserver(fitIn);
    scheme.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    const silence = listenToGestures(host, own, {
      hover: (line) => heard.current.onHover(line),
      select: (line) => heard.current.onSelect(line),
    });
    return () => {
      silence();
      sizes.disconnect();
      scheme.disconnect();
      own.close();
      scene.current = null;
    };
  }, []);
  useEffect(() => scene.current?.open({ width, height }), [name, width, height]);
  useEffect(
    () => scene.current?.setPicture(picture?.picture ?? null),
    [picture, name, width, height],
  );
  useEffect(() => scene.current?.setLines(lines), [lines, width, height]);
  useEffect(() => scene.current?.setLook(look), [look]);
  useEffect(() => scene.current?.setMarks(hovered, selected), [hovered, selected, lines]);
  const after = compared?.loaded ?? null;
  const at = compared?.at ?? 0;
  useEffect(() => {
    scene.current?.setCompared(after === null ? null : { ...after, at });
  }, [after, at, name, width, height]);

  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [PAN_PX, 0],
      ArrowRight: [-PAN_PX, 0],
      ArrowUp: [0, PAN_PX],
      ArrowDown: [0, -PAN_PX],
    };
    const by = arrows[event.key];
    const own = control.current;
    if (by === undefined || own === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    own.panBy(...by);
  };

  return (
    <div className={css.frame}>
      {/* Moving and enlarging with keys needs the focus; what is read there is in the list. */}
      <div
        ref={stage}
        className={css.stage}
        role="application"
        aria-roledescription="picture"
        aria-label={props.label}
        tabIndex={0}
        onKeyDown={press}
        data-pointing={hovered !== null || undefined}
        data-testid="stage"
      >
        <canvas ref={low} className={css.canvas} />
        <canvas ref={high} className={css.canvas} data-high />
      </div>
      {props.children}
    </div>
  );
}

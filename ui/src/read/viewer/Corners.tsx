import { useDebouncedCallback } from '@mantine/hooks';
import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useId,
  useRef,
  useState,
} from 'react';
import { CORNER_NAMES, isPage, withCorner } from './corners';
import css from './Corners.module.css';
import type { Point, Polygon } from './geometry';
import type { StageControl } from './Stage';
import { type Size, toPicture } from './zoom';

interface Props {
  corners: Polygon;
  /** Of the picture. */
  size: Size;
  control: RefObject<StageControl | null>;
  /** So much of the stage's width shows the picture that they belong to, 0 to 1. */
  before: number;
  mayMove: boolean;
  /** They were let go there. */
  onMove: (corners: Polygon) => void;
}

const ARROWS: Partial<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const SHIFT_STEP_PX = 10;
/** Keys let go of a corner when no more of them come. */
const SETTLE_MS = 600;

/** The outline of the page in a photograph, with a handle at each corner. */
export function Corners({ corners, size, control, before, mayMove, onMove }: Props) {
  const [moving, setMoving] = useState<Polygon | null>(null);
  /** From the pointer to the corner, in px of the window. */
  const grip = useRef<Point | null>(null);
  const clip = useId();
  const shown = moving ?? corners;
  const letGo = (at: Polygon | null) => {
    setMoving(null);
    if (at !== null) onMove(at);
  };
  const letGoLater = useDebouncedCallback(letGo, SETTLE_MS);
  const { width, height } = size;
  // Larger than the picture, because corners may lie beside it.
  const around = `M${-width} ${-height}h${3 * width}v${3 * height}h${-3 * width}z`;
  const outline = `M${shown.map((point) => point.join(' ')).join('L')}z`;

  const grab = (event: PointerEvent<HTMLElement>, [x, y]: Point) => {
    const view = control.current?.view;
    if (event.button !== 0 || view === undefined) return;
    // What keys moved goes with it.
    letGoLater.cancel();
    event.currentTarget.setPointerCapture(event.pointerId);
    const at: Point = [view.left + x * view.scale, view.top + y * view.scale];
    grip.current = [at[0] - event.clientX, at[1] - event.clientY];
  };
  const drag = (event: PointerEvent, n: number) => {
    if (grip.current === null || control.current === null) return;
    const { view, stageSize } = control.current;
    const at: Point = [
      Math.min(stageSize.width, Math.max(0, grip.current[0] + event.clientX)),
      Math.min(stageSize.height, Math.max(0, grip.current[1] + event.clientY)),
    ];
    setMoving(withCorner(shown, n, toPicture(view, at), size));
  };
  const end = (at: Polygon | null) => {
    if (grip.current === null) return;
    grip.current = null;
    letGoLater.cancel();
    letGo(at);
  };
  const press = (event: KeyboardEvent, n: number, [x, y]: Point) => {
    const by = ARROWS[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const step = event.shiftKey ? SHIFT_STEP_PX : 1;
    const next = withCorner(shown, n, [x + by[0] * step, y + by[1] * step], size);
    setMoving(next);
    letGoLater(next);
  };
  // Out of sight nobody can move it.
  const show = ([x, y]: Point) => {
    if (control.current === null) return;
    const { view, stageSize } = control.current;
    const [left, top] = [view.left + x * view.scale, view.top + y * view.scale];
    const isSeen = left >= 0 && top >= 0 && left <= stageSize.width && top <= stageSize.height;
    if (!isSeen) control.current.fit();
  };

  return (
    <div className={css.corners} data-testid="corners">
      <svg
        className={css.outline}
        style={{ clipPath: `inset(0 ${100 - before * 100}% 0 0)` }}
        data-wrong={!isPage(shown) || undefined}
        aria-hidden="true"
      >
        <clipPath id={clip}>
          <rect width={width} height={height} />
        </clipPath>
        <g>
          <path className={css.around} clipPath={`url(#${clip})`} d={around + outline} />
          <path className={css.edge} d={outline} />
          <path className={css.line} d={outline} />
        </g>
      </svg>
      {mayMove &&
        shown.map((corner, n) => (
          <button
            key={CORNER_NAMES[n]}
            type="button"
            className={css.handle}
            style={{ ['--x' as string]: corner[0], ['--y' as string]: corner[1] }}
            aria-label={`${CORNER_NAMES[n]} corner of the page: ${corner.map((part) => part.toFixed(0)).join(', ')} px. Arrow keys move it.`}
            onPointerDown={(event) => grab(event, corner)}
            onPointerMove={(event) => drag(event, n)}
            onPointerUp={() => end(moving)}
            onPointerCancel={() => end(null)}
            onKeyDown={(event) => press(event, n, corner)}
            onFocus={() => show(corner)}
            data-testid={`corner-${n}`}
          />
        ))}
    </div>
  );
}

import type { Point } from './geometry';
import type { Scene } from './scene';

/** A press that moves less is a click. */
const CLICK_PX = 5;
const WHEEL_SPEED = 0.0016;
const PINCH_SPEED = 0.01;
const LINE_PX = 18;
const DOUBLE_CLICK_ZOOM = 2.5;

interface Heard {
  /** The line under the pointer. */
  hover: (line: number | null) => void;
  select: (line: number | null) => void;
}

/** Wheel, drag, pinch, click and double click on the stage. Returns what ends it. */
export function listenToGestures(stage: HTMLElement, scene: Scene, heard: Heard): () => void {
  const pointers = new Map<number, Point>();
  let pressed: Point | null = null;
  let moved = false;
  const place = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = stage.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };

  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    // A pinch on a touchpad comes as a wheel with Ctrl, in smaller steps.
    const speed = event.ctrlKey ? PINCH_SPEED : WHEEL_SPEED;
    if (event.shiftKey) scene.panBy(-(event.deltaX + event.deltaY) * unit, 0);
    else scene.zoomBy(Math.exp(-event.deltaY * unit * speed), place(event));
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, place(event));
    pressed = pointers.size === 1 ? place(event) : null;
    moved = false;
    stage.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    const now = place(event);
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === 'mouse') heard.hover(scene.at(now));
      return;
    }
    if (pressed !== null && Math.hypot(now[0] - pressed[0], now[1] - pressed[1]) > CLICK_PX) {
      moved = true;
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (other !== undefined) pinch(scene, other, before, now);
    else if (moved) scene.panBy(now[0] - before[0], now[1] - before[1]);
  };
  const up = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId)) return;
    const isClick = pressed !== null && !moved && event.type === 'pointerup';
    pressed = null;
    if (isClick) heard.select(scene.at(place(event)));
  };
  const leave = () => heard.hover(null);
  const twice = (event: MouseEvent) => {
    if (scene.isFitted()) scene.zoomBy(DOUBLE_CLICK_ZOOM, place(event), true);
    else scene.fit();
  };

  const pointing = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up };
  for (const [type, listener] of Object.entries(pointing)) {
    stage.addEventListener(type, listener as EventListener);
  }
  stage.addEventListener('pointerleave', leave);
  stage.addEventListener('dblclick', twice);
  // What lies over the picture is in its frame, too.
  const frame = stage.parentElement ?? stage;
  frame.addEventListener('wheel', wheel, { passive: false });
  return () => {
    for (const [type, listener] of Object.entries(pointing)) {
      stage.removeEventListener(type, listener as EventListener);
    }
    stage.removeEventListener('pointerleave', leave);
    stage.removeEventListener('dblclick', twice);
    frame.removeEventListener('wheel', wheel);
  };
}

/** One finger stays, one moves: the picture keeps to both. */
function pinch(scene: Scene, [x, y]: Point, before: Point, now: Point): void {
  const was = Math.hypot(before[0] - x, before[1] - y);
  const is = Math.hypot(now[0] - x, now[1] - y);
  scene.panBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  if (was > 0) scene.zoomBy(is / was, [(now[0] + x) / 2, (now[1] + y) / 2]);
}

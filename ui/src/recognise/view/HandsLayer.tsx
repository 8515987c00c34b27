import { useCallback, useRef } from 'react';
import type { Session } from '../session';
import { drawHands, type HandColours } from './drawHands';
import { useFrameLoop } from './useFrameLoop';
import css from './HandsLayer.module.css';

interface Props {
  session: Session;
  active: boolean;
}

/** Hands of older results are not drawn: they are no longer where they were. */
const OLD_MS = 400;

/** The same on every page: they lie on pictures. */
const COLOURS: HandColours = {
  bone: '#8ea2ff',
  edge: 'rgb(0 0 0 / 55%)',
  ring: '#ffd43b',
  armed: '#4ade80',
};

/** The joints of the hands in the picture, the shoulders where they are looked for, and the ring that says how far a palm is armed. */
export function HandsLayer({ session, active }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<unknown>(undefined);
  const draw = useCallback(
    (nowMs: number) => {
      const element = canvas.current;
      const context = element?.getContext('2d');
      if (element == null || context == null) return;
      const { sight, sightMs } = session;
      const shown = active && nowMs - sightMs < OLD_MS ? sight : null;
      const ratio = devicePixelRatio;
      const [width, height] = [element.clientWidth * ratio, element.clientHeight * ratio];
      const resized = element.width !== Math.round(width) || element.height !== Math.round(height);
      if (!resized && shown === drawn.current) return;
      if (resized) [element.width, element.height] = [Math.round(width), Math.round(height)];
      drawn.current = shown;
      element.dataset.hands = String(shown?.hands.length ?? 0);
      element.dataset.shoulders = String((shown?.shoulders ?? null) !== null);
      drawHands(context, shown, element, COLOURS);
    },
    [session, active],
  );
  useFrameLoop(active, 60, draw);
  return <canvas ref={canvas} className={css.layer} aria-hidden="true" data-testid="hands" />;
}

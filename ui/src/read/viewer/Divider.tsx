import type { KeyboardEvent, PointerEvent } from 'react';
import { Icon } from '../../components/Icon';
import css from './Divider.module.css';

interface Props {
  /** 0 to 1 of the stage's width. */
  at: number;
  onMove: (at: number) => void;
}

const STEP = 0.02;

/** The border between before and after, to be dragged or moved with arrows. */
export function Divider({ at, onMove }: Props) {
  const move = (to: number) => onMove(Math.min(1, Math.max(0, to)));
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const stage = event.currentTarget.parentElement?.getBoundingClientRect();
    if (stage !== undefined) move((event.clientX - stage.left) / stage.width);
  };
  const press = (event: KeyboardEvent) => {
    const to = { ArrowLeft: at - STEP, ArrowRight: at + STEP, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
  const percent = Math.round(at * 100);
  return (
    <>
      <span className={css.word} data-side="before" style={{ right: `${100 - at * 100}%` }}>
        Before
      </span>
      <span className={css.word} data-side="after" style={{ left: `${at * 100}%` }}>
        After
      </span>
      <div
        className={css.divider}
        style={{ left: `${at * 100}%` }}
        role="slider"
        tabIndex={0}
        aria-label="Border between before and after"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={`${percent} % before`}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onKeyDown={press}
        data-testid="divider"
      >
        <span className={css.grip}>
          <Icon name="split" size={20} />
        </span>
      </div>
    </>
  );
}

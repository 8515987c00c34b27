import { type PointerEvent, useState } from 'react';
import css from './Course.module.css';
import { pointedAt, when } from './coursePoint';
import { Sparkline } from './Sparkline';

export interface CourseProps {
  /** Oldest first; null where nothing is known. */
  values: readonly (number | null)[];
  /** How many values fill the width. */
  length: number;
  atLeast: number;
  /** Seconds from one value to the next. */
  stepS: number;
  /** A value with its unit. */
  said: (value: number) => string;
  /** What is under the pointer, in words; null: nothing. */
  onRead: (text: string | null) => void;
}

/** A small chart that tells what was when, where a pointer or a finger is. */
export function Course({ values, length, atLeast, stepS, said, onRead }: CourseProps) {
  const [at, setAt] = useState<number | null>(null);
  const read = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const point = pointedAt((event.clientX - left) / width, values, length);
    setAt(point?.share ?? null);
    onRead(
      point === null
        ? null
        : `${said(point.value)}, ${when(point.back * stepS, stepS, new Date())}`,
    );
  };
  const leave = () => {
    setAt(null);
    onRead(null);
  };
  return (
    <span
      className={css.course}
      onPointerDown={read}
      onPointerMove={read}
      onPointerLeave={leave}
      onPointerCancel={leave}
    >
      <Sparkline values={values} length={length} atLeast={atLeast} />
      {at !== null && <span className={css.mark} style={{ left: `${at * 100}%` }} />}
    </span>
  );
}

import type { ReactNode } from 'react';
import { useLive } from '../api/useLive';
import { Sparkline } from '../components/Sparkline';
import { COURSE_LENGTH, isCourse, type StreamSeries, type Values } from '../api/courses';
import { formatLost } from './numbers';
import css from './Cells.module.css';

const NONE: Values = [];

/** A number with a smaller one beneath it. */
export function Two({ children, below }: { children: ReactNode; below: ReactNode }) {
  return (
    <span className={css.two}>
      <span className={css.main}>{children}</span>
      <span className={css.below}>{below}</span>
    </span>
  );
}

/** A number with its course beside it. */
export function WithCourse(props: {
  stream: string;
  series: StreamSeries;
  atLeast: number;
  children: ReactNode;
}) {
  const { stream, series, atLeast, children } = props;
  const values = useLive((view) => view.courses.streams.get(stream)?.[series] ?? NONE);
  return (
    <span className={css.withCourse}>
      <span className={css.course}>
        {isCourse(values) && <Sparkline values={values} length={COURSE_LENGTH} atLeast={atLeast} />}
      </span>
      {children}
    </span>
  );
}

/** A loss that matters is marked by weight and colour; the number says how much. */
export function Lost({ percent }: { percent: number | null }) {
  const text = formatLost(percent);
  return (
    <span className={css.lost} data-matters={(percent ?? 0) >= 1 || undefined}>
      {percent === null ? text : `${text} %`}
    </span>
  );
}

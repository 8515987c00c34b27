import { UNKNOWN } from '../components/format';
import { useState } from 'react';
import { Course } from '../components/Course';
import type { Chart } from './history';
import css from './MiniChart.module.css';

interface Props {
  caption: string;
  text: string;
  unit?: string;
  chart: Chart;
  atLeast?: number;
  /** A value with its unit. */
  said: (value: number) => string;
}

/** A number with its course. */
export function MiniChart({ caption, text, unit, chart, atLeast = 1, said }: Props) {
  const [read, setRead] = useState<string | null>(null);
  return (
    <div className={css.chart}>
      <span className={css.caption}>{caption}</span>
      <span className={`number ${css.value}`}>
        {read ?? text}
        {read === null && unit !== undefined && text !== UNKNOWN && (
          <span className={css.unit}> {unit}</span>
        )}
      </span>
      <span className={css.course}>
        <Course
          values={chart.history}
          length={chart.length}
          {...{ atLeast, stepS: chart.stepS, said }}
          onRead={setRead}
        />
      </span>
    </div>
  );
}

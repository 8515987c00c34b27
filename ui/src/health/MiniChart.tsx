import { UNKNOWN } from '../components/format';
import { useState } from 'react';
import { Course } from '../components/Course';
import { type Chart, told } from '../components/coursePoint';
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
  const [share, setShare] = useState<number | null>(null);
  const read = told(share, chart, said);
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
        <Course chart={chart} atLeast={atLeast} share={share} onPoint={setShare} />
      </span>
    </div>
  );
}

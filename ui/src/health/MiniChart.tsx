import { UNKNOWN } from '../components/format';
import { Sparkline } from '../components/Sparkline';
import { COURSE_LENGTH, type Values } from './course';
import css from './MiniChart.module.css';

interface Props {
  caption: string;
  text: string;
  unit?: string;
  values: Values | undefined;
  atLeast?: number;
}

/** A number with its course over the last two minutes. */
export function MiniChart({ caption, text, unit, values = [], atLeast = 1 }: Props) {
  return (
    <div className={css.chart}>
      <span className={css.caption}>{caption}</span>
      <span className={`number ${css.value}`}>
        {text}
        {unit !== undefined && text !== UNKNOWN && <span className={css.unit}> {unit}</span>}
      </span>
      <span className={css.course}>
        <Sparkline values={values} length={COURSE_LENGTH} atLeast={atLeast} />
      </span>
    </div>
  );
}

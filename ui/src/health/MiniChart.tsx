import { UNKNOWN } from '../components/format';
import { Sparkline } from '../components/Sparkline';
import type { Chart } from './history';
import css from './MiniChart.module.css';

interface Props {
  caption: string;
  text: string;
  unit?: string;
  chart: Chart;
  atLeast?: number;
}

/** A number with its course. */
export function MiniChart({ caption, text, unit, chart, atLeast = 1 }: Props) {
  return (
    <div className={css.chart}>
      <span className={css.caption}>{caption}</span>
      <span className={`number ${css.value}`}>
        {text}
        {unit !== undefined && text !== UNKNOWN && <span className={css.unit}> {unit}</span>}
      </span>
      <span className={css.course}>
        <Sparkline values={chart.history} length={chart.length} atLeast={atLeast} />
      </span>
    </div>
  );
}

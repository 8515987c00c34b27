import type { PointerEvent } from 'react';
import css from './Course.module.css';
import { type Chart, pointedAt } from './coursePoint';
import { Sparkline } from './Sparkline';

interface Props {
  chart: Chart;
  atLeast: number;
  /** Where a pointer or a finger is, as a share of the width; null: nowhere. */
  share: number | null;
  onPoint: (share: number | null) => void;
}

/** A small chart that can be pointed at; whoever shows it tells what was there. */
export function Course({ chart, atLeast, share, onPoint }: Props) {
  const point = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onPoint((event.clientX - left) / width);
  };
  const at = share === null ? null : pointedAt(share, chart);
  return (
    <span
      className={css.course}
      onPointerDown={point}
      onPointerMove={point}
      onPointerLeave={() => onPoint(null)}
      onPointerCancel={() => onPoint(null)}
    >
      <Sparkline values={chart.history} length={chart.length} atLeast={atLeast} />
      {at !== null && (
        <span
          className={css.mark}
          style={{ left: `${(1 - at.back / (chart.length - 1)) * 100}%` }}
        />
      )}
    </span>
  );
}

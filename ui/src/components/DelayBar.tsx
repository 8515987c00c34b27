import type { Quantiles } from 'sightwire/api';
import css from './DelayBar.module.css';

interface Props {
  delay: Quantiles | null;
  /** What fills the whole width. */
  most: number;
  /** Sets the width of the column. */
  className: string | undefined;
}

/** A cell of a table of delays: how long half of them and nearly all of them take. */
export function DelayBar({ delay, most, className = '' }: Props) {
  const width = (ms = 0) => `${(ms / most) * 100}%`;
  return (
    <td className={`${css.cell} ${className}`} aria-hidden="true">
      <span className={css.bar} style={{ width: width(delay?.p95) }} />
      <span className={css.middle} style={{ width: width(delay?.p50) }} />
    </td>
  );
}

import { sparkline } from './sparklinePath';
import css from './Sparkline.module.css';

interface Props {
  /** Oldest first; null where nothing is known. */
  values: readonly (number | null)[];
  /** How many values fill the width; fewer leave the left empty. */
  length?: number;
  /** The top of the scale at least, so that noise near zero stays small. */
  atLeast?: number;
  colour?: string;
}

/** The course of a number that stands beside it; so hidden from screen readers. */
export function Sparkline({ values, length = 60, atLeast = 1, colour }: Props) {
  const { line, area } = sparkline(values, length, atLeast);
  return (
    <svg
      className={css.spark}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      aria-hidden="true"
      style={colour === undefined ? undefined : { color: colour }}
    >
      <path className={css.area} d={area} />
      <path className={css.line} d={line} />
    </svg>
  );
}

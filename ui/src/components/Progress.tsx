import css from './Progress.module.css';

interface Props {
  /** What goes on, for screen readers. */
  label: string;
  /** 0 to 1; null where it is not known. */
  value: number | null;
}

/** How far something has got, or that it goes on. */
export function Progress({ label, value }: Props) {
  const known = value !== null;
  return (
    <div
      className={css.track}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.round(value * 100) : undefined}
    >
      <div
        className={css.fill}
        data-unknown={!known || undefined}
        style={known ? { transform: `scaleX(${Math.min(1, Math.max(0, value))})` } : undefined}
      />
    </div>
  );
}

import type { ReactNode } from 'react';
import css from './Metrics.module.css';

/** The numbers that say how a page's stream does, each a `Metric`. */
export function Metrics({ children }: { children: ReactNode }) {
  return (
    <section className={css.metrics} aria-label="Numbers">
      {children}
    </section>
  );
}

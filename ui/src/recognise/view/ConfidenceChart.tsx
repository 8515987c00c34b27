import { lazy, Suspense } from 'react';
import type { Session } from '../session';
import css from './ConfidenceChart.module.css';

/** What draws charts is loaded after the page has shown. */
const ConfidenceLines = lazy(() => import('./ConfidenceLines'));

export interface Props {
  session: Session;
  labels: readonly string[];
  active: boolean;
  threshold: number;
}

/** Confidence over time. The bars beside it are its legend. */
export function ConfidenceChart(props: Props) {
  return (
    <section className={`card ${css.card}`} aria-labelledby="chart">
      <h2 id="chart" className="caption">
        Confidence over the last 20 seconds
      </h2>
      <Suspense fallback={<div className={css.chart} />}>
        <ConfidenceLines {...props} />
      </Suspense>
    </section>
  );
}

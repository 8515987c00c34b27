import type { LastSign as Sign } from 'sightwire/api';
import { Link } from '../base/Link';
import { formatDuration, formatPercent } from '../components/format';
import { labelWords } from '../components/labelWords';
import css from './Last.module.css';

/** What was recognised last, in anybody's frames. */
export function LastSign({ sign: { label, confidence, age_s: ageS } }: { sign: Sign }) {
  return (
    <section className={`card ${css.last}`} aria-labelledby="last-sign">
      <h2 id="last-sign" className="caption">
        Recognised last
      </h2>
      <Link href="/recognise" className={css.sign} data-testid="last-sign">
        <strong>{labelWords(label)}</strong>
        <span className="number">{formatPercent(confidence)} %</span>
        <span className={`number ${css.ago}`}>{formatDuration(ageS)} ago</span>
      </Link>
    </section>
  );
}

import { Link } from '../base/Link';
import { useClusterJobs } from '../api/clusterJobs';
import { StateBadge } from '../components/StateBadge';
import { useServerJobs } from '../read/useServerJobs';
import { type Batch, lastBatches } from './lastBatches';
import css from './Last.module.css';

const MOST = 3;

/** The batches that were read last, of those that this user may see. */
export function LastRead({ hasWorkers }: { hasWorkers: boolean }) {
  const { jobs, nowS } = useServerJobs();
  const shared = useClusterJobs(hasWorkers);
  const batches = lastBatches({ jobs, shared, nowS }, MOST);
  if (batches.length === 0) return null;
  return (
    <section className={`card ${css.last}`} aria-labelledby="last-read">
      <h2 id="last-read" className="caption">
        Read last
      </h2>
      <ul className={css.list} data-testid="last-read">
        {batches.map((batch) => (
          <li key={batch.key}>
            {batch.href === null ? (
              <span className={css.job}>
                <Told {...batch} />
              </span>
            ) : (
              <Link href={batch.href} className={css.job}>
                <Told {...batch} />
              </Link>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Told({ name, text, standing }: Batch) {
  return (
    <>
      <span className={css.told}>
        {name !== null && (
          <span className={css.name} title={name}>
            {name}
          </span>
        )}
        <span className="number">{text}</span>
      </span>
      <StateBadge {...standing} />
    </>
  );
}

import { Link } from '../app/Link';
import { StateBadge } from '../components/StateBadge';
import { useServerJobs } from '../read/useServerJobs';
import { jobName, jobStanding } from '../read/words';
import css from './Last.module.css';

const MOST = 3;

/** The batches that were read last, of those that this user may see. */
export function LastRead() {
  const { jobs, nowS } = useServerJobs();
  if (jobs.length === 0) return null;
  return (
    <section className={`card ${css.last}`} aria-labelledby="last-read">
      <h2 id="last-read" className="caption">
        Read last
      </h2>
      <ul className={css.list} data-testid="last-read">
        {jobs.slice(0, MOST).map((job) => (
          <li key={job.id}>
            <Link href={`/read?job=${encodeURIComponent(job.id)}`} className={css.job}>
              <span className="number">{jobName(job, nowS)}</span>
              <StateBadge {...jobStanding(job)} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

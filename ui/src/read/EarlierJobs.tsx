import { Button, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import type { Job } from 'sightwire/api';
import { formatCount } from '../components/format';
import { StateBadge } from '../components/StateBadge';
import { jobName, jobStanding } from './words';
import css from './EarlierJobs.module.css';

interface Props {
  jobs: readonly Job[];
  nowS: number;
  onJob: (id: string) => void;
}

const FIRST = 4;

/** Jobs that the server still has. */
export function EarlierJobs({ jobs, nowS, onJob }: Props) {
  const [all, setAll] = useState(false);
  if (jobs.length === 0) return null;
  return (
    <div className={css.jobs} data-testid="earlier">
      <h3 className="caption">Recent batches on this server</h3>
      <ul className={css.list}>
        {jobs.slice(0, all ? undefined : FIRST).map((job) => (
          <li key={job.id}>
            <UnstyledButton className={css.job ?? ''} onClick={() => onJob(job.id)}>
              <span className="number">{jobName(job, nowS)}</span>
              <StateBadge {...jobStanding(job)} />
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {!all && jobs.length > FIRST && (
        <Button variant="subtle" color="gray" onClick={() => setAll(true)}>
          Show all {formatCount(jobs.length)}
        </Button>
      )}
    </div>
  );
}

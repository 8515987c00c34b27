import { Button, NativeSelect, Tooltip } from '@mantine/core';
import { useState } from 'react';
import type { Job } from 'sightwire/api';
import { jobExportPath, type FileFormat } from '../api/read';
import { CopyButton } from '../components/CopyButton';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Progress } from '../components/Progress';
import { StateBadge } from '../components/StateBadge';
import { ToolButton } from '../components/ToolButton';
import bar from './Bar.module.css';
import { SaveLinks } from './SaveLinks';
import { finished, jobFacts, jobName, jobStanding } from './words';
import css from './JobBar.module.css';

interface Props {
  job: Job;
  /** All jobs of the server, this one among them. */
  jobs: readonly Job[];
  nowS: number;
  onJob: (id: string) => void;
  least: number;
  /** Ends or removes it; says so where that failed. */
  onEnd: (job: Job) => Promise<string | null>;
}

/** How far a job is, and what can be done with all of it. */
export function JobBar({ job, jobs, nowS, onJob, least, onEnd }: Props) {
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const runs = job.state === 'running';
  const end = () => {
    setAsks(false);
    void onEnd(job).then(setFailure);
  };
  const others = jobs.filter(({ id }) => id !== job.id);
  return (
    <section className={`card ${bar.bar}`} aria-label="Batch" data-testid="job">
      <div className={`${bar.line} ${css.line}`}>
        <StateBadge {...jobStanding(job)} data-testid="job-state" />
        <p className={`number ${bar.facts} ${css.facts}`} data-testid="job-facts">
          {jobFacts(job).map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </p>
        {job.files > 1 && job.done > 0 && (
          <SaveLinks
            name={`texts-${job.id}`}
            word="Save all"
            what="the texts of all files"
            path={(format: FileFormat) =>
              jobExportPath(
                job.id,
                format === 'annotated' || format === 'pdf' ? 'json' : format,
                least,
              )
            }
            several
            submission={{ job: job.id, least }}
          />
        )}
        <div className={css.tools}>
          {others.length > 0 && (
            <NativeSelect
              className={css.jobs ?? ''}
              aria-label="Batch"
              value={job.id}
              onChange={(event) => onJob(event.currentTarget.value)}
              data={[job, ...others].map((one) => ({ value: one.id, label: jobName(one, nowS) }))}
              data-testid="jobs"
            />
          )}
          <CopyButton
            text={() => location.href}
            what="the address of this view"
            label="Copy link"
          />
          {runs ? (
            <ToolButton icon="stop" variant="default" onClick={end} data-testid="cancel">
              Cancel
            </ToolButton>
          ) : (
            <Tooltip label="Deletes this batch, with its texts and pictures, from the server.">
              <Button
                variant="subtle"
                color="gray"
                px="sm"
                leftSection={<Icon name="trash" size={16} />}
                onClick={() => setAsks(!asks)}
                aria-expanded={asks}
                data-testid="remove"
              >
                Remove
              </Button>
            </Tooltip>
          )}
        </div>
      </div>
      {runs && (
        <Progress
          label="Files read"
          value={finished(job) === 0 ? null : finished(job) / job.files}
        />
      )}
      {runs &&
        job.notes?.map((note) => (
          <Notice key={note} tone="warn" icon="alert" title="The batch waits">
            {note}
          </Notice>
        ))}
      {asks && !runs && (
        <div className={bar.ask} role="group" aria-label="Remove this batch?">
          <span>Its texts and pictures will be deleted, for everyone who has the link.</span>
          <Button className={css.danger} onClick={end} data-testid="remove-now">
            Remove
          </Button>
          <Button variant="default" onClick={() => setAsks(false)}>
            Keep
          </Button>
        </div>
      )}
      {failure !== null && (
        <Notice tone="bad" icon="alert" title="The batch could not be ended" cause={failure}>
          {failure}
        </Notice>
      )}
    </section>
  );
}

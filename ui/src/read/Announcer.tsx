import { VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Document, Job, JobFile } from 'sightwire/api';
import { jobNews } from './words';

interface Props {
  job: Job | null;
  row: JobFile | null;
  reading: Document | null;
}

/** Tells screen readers what has changed: a job that begins or ends, a file that is shown. */
export function Announcer({ job, row, reading }: Props) {
  const before = useRef<Job | null>(null);
  const [ofJob, setOfJob] = useState('');
  useEffect(() => {
    if (job === null) return;
    const news = jobNews(before.current, job);
    before.current = job;
    if (news !== null) setOfJob(news);
  }, [job]);
  const name = row?.name;
  const ofFile =
    name === undefined || reading === null
      ? ''
      : `${name}: ${reading.regions.length} ${reading.regions.length === 1 ? 'line' : 'lines'} of text`;
  return (
    <VisuallyHidden>
      <span role="status" aria-live="polite" data-testid="announcer">
        {ofJob}
      </span>
      <span role="status" aria-live="polite">
        {ofFile}
      </span>
    </VisuallyHidden>
  );
}

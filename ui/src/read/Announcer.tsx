import { VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Document, Job, JobFile } from 'sightwire/api';
import { jobNews } from './words';

/** Tells screen readers when a job begins or ends. It stays on the page, so that it has seen what was before. */
export function JobAnnouncer({ job }: { job: Job | null }) {
  const before = useRef<Job | null>(null);
  const [news, setNews] = useState('');
  useEffect(() => {
    if (job === null) return;
    const next = jobNews(before.current, job);
    before.current = job;
    if (next !== null) setNews(next);
  }, [job]);
  return (
    <VisuallyHidden>
      <span role="status" aria-live="polite" data-testid="announcer">
        {news}
      </span>
    </VisuallyHidden>
  );
}

/** Tells screen readers which file is shown, and how much was read in it. */
export function FileAnnouncer({ row, reading }: { row: JobFile | null; reading: Document | null }) {
  const name = row?.name;
  return (
    <VisuallyHidden>
      <span role="status" aria-live="polite">
        {name === undefined || reading === null
          ? ''
          : `${name}: ${reading.regions.length} ${reading.regions.length === 1 ? 'line' : 'lines'} of text`}
      </span>
    </VisuallyHidden>
  );
}

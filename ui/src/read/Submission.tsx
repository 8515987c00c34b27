import { Button, TextInput } from '@mantine/core';
import { useId, useState } from 'react';
import { submissionPath } from '../api/read';
import { at } from '../base/basePath';
import { Toggle } from '../components/Toggle';
import css from './Submission.module.css';

interface Props {
  job: string;
  least: number;
}

const FORMATS = [
  ['submission-csv', 'Submission CSV'],
  ['submission-json', 'Submission JSON'],
] as const;
/** The server cuts a longer one. */
const MOST_LETTERS = 64;

/** Where text is in all files of a batch, as programs take it that compare how well it is found. */
export function Submission({ job, least }: Props) {
  const id = useId();
  const [prefix, setPrefix] = useState('');
  const [confidence, setConfidence] = useState(false);
  return (
    <>
      <Button variant="subtle" color="gray" px="xs" popoverTarget={id} data-testid="submission">
        Submission…
      </Button>
      <div id={id} popover="auto" className={css.panel} role="group" aria-label="Submission">
        <p className={css.about}>
          The outlines of every file, one row or entry for each: <code>filename,polygons</code>.
        </p>
        <TextInput
          label="Name begins with"
          placeholder="submission"
          value={prefix}
          maxLength={MOST_LETTERS}
          onChange={(event) => setPrefix(event.currentTarget.value)}
          data-testid="submission-prefix"
        />
        <Toggle
          label="With confidence"
          checked={confidence}
          onChange={setConfidence}
          data-testid="submission-confidence"
        />
        <div className={css.links}>
          {FORMATS.map(([format, word]) => (
            <Button
              key={format}
              component="a"
              variant="default"
              px="sm"
              href={at(submissionPath(job, format, { least, confidence, prefix: prefix.trim() }))}
              download
              data-testid={`save-${format}`}
            >
              {word}
            </Button>
          ))}
        </div>
      </div>
    </>
  );
}

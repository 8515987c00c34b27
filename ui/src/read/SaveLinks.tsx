import { Button, Tooltip } from '@mantine/core';
import type { FileFormat } from '../api/read';
import { Icon } from '../components/Icon';
import { Submission } from './Submission';
import css from './SaveLinks.module.css';
import { at } from '../base/basePath';

interface Props {
  /** The files are called after it. */
  name: string;
  /** Before the formats; which files, where others can be saved beside. */
  word: string;
  /** The same for screen readers, with names. */
  what: string;
  path: (format: FileFormat) => string;
  /** Whether what shows the picture can be had; undefined where there is no such thing. */
  annotated?: boolean;
  /** hOCR of several files comes as an archive. */
  several?: boolean;
  /** The batch that a submission is made of; undefined: none is. */
  submission?: { job: string; least: number } | undefined;
}

const FORMATS = [
  ['text', 'Text', '.txt'],
  ['json', 'JSON', '.json'],
  ['csv', 'CSV', '.csv'],
  ['hocr', 'hOCR', '.hocr.html'],
] as const;

const PICTURES = [
  ['pdf', 'PDF', '.pdf', 'The pages with their text, to be searched'],
  ['annotated', 'PNG', '.annotated.png', 'The picture with outlines'],
] as const;

/** The server makes the files; a click saves one. */
export function SaveLinks({
  name,
  word: which,
  what,
  path,
  annotated,
  several = false,
  submission,
}: Props) {
  const endingOf = (format: FileFormat, usual: string) => {
    if (!several) return usual;
    if (format === 'hocr') return '.hocr.zip';
    return format === 'json' ? '.jsonl' : usual;
  };
  return (
    <div className={css.links} role="group" aria-label={`Save ${what}`}>
      <span className={css.word}>
        <Icon name="download" size={16} />
        <span>{which}</span>
      </span>
      {FORMATS.map(([format, word, usual]) => (
        <Button
          key={format}
          component="a"
          variant="subtle"
          color="gray"
          px="xs"
          href={at(path(format))}
          download={`${name}${endingOf(format, usual)}`}
          data-testid={`save-${format}`}
        >
          {word}
        </Button>
      ))}
      {annotated === true &&
        PICTURES.map(([format, word, ending, label]) => (
          <Tooltip key={format} label={label}>
            <Button
              component="a"
              variant="subtle"
              color="gray"
              px="xs"
              href={at(path(format))}
              download={`${name}${ending}`}
              data-testid={`save-${format}`}
            >
              {word}
            </Button>
          </Tooltip>
        ))}
      {submission !== undefined && <Submission {...submission} />}
    </div>
  );
}

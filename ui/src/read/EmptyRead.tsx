import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon } from '../components/Icon';
import css from './EmptyRead.module.css';

interface Props {
  onFiles: () => void;
  onFolder: () => void;
  onSample: () => void;
  onStream: () => void;
  /** Something is held over the page. */
  over: boolean;
  /** Choosing folders is not for phones. */
  phone: boolean;
  /** What stands in the way, or what was there before. */
  children: ReactNode;
}

/** What stands where a picture will be: what this is, and how to fill it. */
export function EmptyRead(props: Props) {
  const { onFiles, onFolder, onSample, onStream, over, phone } = props;
  return (
    <section className={`card ${css.empty}`} aria-labelledby="empty" data-over={over || undefined}>
      <span className={css.sign}>
        <Icon name="scan" size={32} />
      </span>
      <h2 id="empty" className={css.title}>
        {over ? 'Let go to read' : phone ? 'Which pictures?' : 'Drop pictures here'}
      </h2>
      <p className={css.text}>
        Scans, photos, screenshots: one or ten thousand. Every line is found, outlined and read, to
        look through, copy and save. They stay on this server.
      </p>
      <div className={css.actions}>
        <Button leftSection={<Icon name="page" />} onClick={onFiles} data-testid="choose-files">
          Choose files
        </Button>
        {!phone && (
          <Button
            variant="default"
            leftSection={<Icon name="folder" />}
            onClick={onFolder}
            data-testid="choose-folder"
          >
            Choose a folder
          </Button>
        )}
        <Button
          variant="default"
          leftSection={<Icon name="live" />}
          onClick={onStream}
          data-testid="choose-stream"
        >
          Read a live picture
        </Button>
        <Button
          variant="default"
          leftSection={<Icon name="clip" />}
          onClick={onSample}
          data-testid="sample"
        >
          Try a sample page
        </Button>
      </div>
      <p className={css.small}>
        A picture can also be pasted. JPEG, PNG, WebP, TIFF with many pages, BMP, GIF, and zip
        archives of them.
      </p>
      {props.children}
    </section>
  );
}

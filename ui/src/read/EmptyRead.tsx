import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Actions, EmptyState } from '../components/EmptyState';
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
    <EmptyState
      icon="scan"
      title={over ? 'Drop to read' : phone ? 'Choose pictures' : 'Drop pictures here'}
      text="Scans, photos or screenshots: one or ten thousand. Every line of text is found, outlined and read, to search, copy and save. Pictures stay on this server."
      wide
      over={over}
    >
      <Actions>
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
          Read from a stream
        </Button>
        <Button
          variant="default"
          leftSection={<Icon name="clip" />}
          onClick={onSample}
          data-testid="sample"
        >
          Try a sample page
        </Button>
      </Actions>
      <p className={css.small}>
        You can also paste a picture. JPEG, PNG, WebP, multi-page TIFF, BMP, GIF, AVIF, HEIC, PDF,
        and zip archives of them.
      </p>
      {props.children}
    </EmptyState>
  );
}

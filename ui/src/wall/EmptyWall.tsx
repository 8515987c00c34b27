import { Button } from '@mantine/core';
import { useMay } from '../api/session';
import { Link } from '../base/Link';
import { Actions, EmptyState } from '../components/EmptyState';
import { Icon } from '../components/Icon';
import css from './EmptyWall.module.css';

interface Props {
  /** What is waited for, where it is not everything. */
  only: readonly string[];
  onChoose: () => void;
}

/** What stands where streams will be. */
export function EmptyWall({ only, onChoose }: Props) {
  const maySend = useMay('streamer', 'relay');
  return (
    <EmptyState
      icon="wall"
      title="No streams yet"
      text={
        only.length === 0
          ? 'Anything sent to this server appears here automatically: a phone’s camera, a screen, a program. It is received once, however many people watch.'
          : `This wall shows only ${only.join(', ')}.`
      }
    >
      <Actions>
        {maySend && (
          <Button
            component={Link}
            href="/broadcast"
            leftSection={<Icon name="broadcast" />}
            data-testid="to-broadcast"
          >
            Broadcast from this device
          </Button>
        )}
        <Button
          variant="default"
          leftSection={<Icon name="plus" />}
          onClick={onChoose}
          data-testid="choose-first"
        >
          Add one of the server’s cameras
        </Button>
      </Actions>
      {maySend && (
        <p className={css.small}>
          Without a camera: <Link href="/broadcast?source=test">broadcast a test pattern</Link> or a
          video file.
        </p>
      )}
    </EmptyState>
  );
}

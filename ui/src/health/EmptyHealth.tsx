import { Button } from '@mantine/core';
import { Fragment } from 'react';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { useMay } from '../api/session';
import { Link } from '../base/Link';
import { Actions, EmptyState } from '../components/EmptyState';
import { Icon } from '../components/Icon';
import css from './EmptyHealth.module.css';

/** How often it is looked which cameras there are, */
const CAMERAS_MS = 10_000;
/** and how many of them are named. */
const MOST_NAMED = 12;

/** What stands where streams and viewers will be: with the cameras that nobody watches, which are no streams now. */
export function EmptyHealth({ hasEnded }: { hasEnded: boolean }) {
  const maySend = useMay('streamer', 'relay');
  const cameras = usePoll(camerasPoll, CAMERAS_MS).answer?.cameras ?? [];
  const count = cameras.length;
  return (
    <EmptyState
      icon="health"
      wide
      title={hasEnded || count > 0 ? 'No streams now' : 'No streams yet'}
      text="This page shows every stream, with frames in and out, losses and delays, and every viewer. A stream starts when someone sends one, a camera when someone watches it."
    >
      {count > 0 && (
        <p className={css.cameras} data-testid="unwatched">
          {count === 1
            ? 'One camera that nobody watches: '
            : `${count} cameras that nobody watches: `}
          {cameras.slice(0, MOST_NAMED).map(({ id, name }, n) => (
            <Fragment key={id}>
              {n > 0 && ', '}
              <Link href={`/cameras/${id}`}>{name}</Link>
            </Fragment>
          ))}
          {count > MOST_NAMED && ` and ${count - MOST_NAMED} more`}.
        </p>
      )}
      <Actions>
        {maySend && (
          <Button component={Link} href="/broadcast" leftSection={<Icon name="broadcast" />}>
            Start a stream
          </Button>
        )}
        <Button
          component={Link}
          href="/cameras"
          variant="default"
          leftSection={<Icon name="camera" />}
        >
          Watch a camera
        </Button>
      </Actions>
    </EmptyState>
  );
}

import { Button } from '@mantine/core';
import { useMay } from '../api/session';
import { Link } from '../app/Link';
import { Actions, EmptyState } from '../components/EmptyState';
import { Icon } from '../components/Icon';

/** What stands where streams and viewers will be. */
export function EmptyHealth({ hasEnded }: { hasEnded: boolean }) {
  const maySend = useMay('streamer', 'relay');
  return (
    <EmptyState
      icon="health"
      wide
      title={hasEnded ? 'No streams now' : 'No streams yet'}
      text="This page shows every stream, with frames in and out, losses and delays, and every viewer. A stream starts when someone sends one, a camera when someone watches it."
    >
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

import { Button } from '@mantine/core';
import { Actions, EmptyState } from '../../components/EmptyState';
import { Icon } from '../../components/Icon';
import { TrySimulated } from '../edit/TrySimulated';

interface Props {
  onAdd: () => void;
  /** Why none can be added; null where one can. */
  whyNot: string | null;
}

/** What stands where cameras will be. */
export function EmptyCameras({ onAdd, whyNot }: Props) {
  return (
    <EmptyState
      icon="camera"
      title="No cameras yet"
      text="A camera is any board or device that serves MJPEG or single JPEGs at an http address, such as an ESP32-CAM. The server reads it once, however many people watch."
    >
      {whyNot === null ? (
        <Actions>
          <Button leftSection={<Icon name="plus" />} onClick={onAdd} data-testid="add-first">
            Add a camera
          </Button>
          <TrySimulated />
        </Actions>
      ) : (
        <p>{whyNot}</p>
      )}
    </EmptyState>
  );
}

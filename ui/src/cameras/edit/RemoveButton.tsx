import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Camera } from 'sightwire/api';
import { removeCamera } from '../../api/cameras';
import { sentence } from '../../api/http';
import { Icon } from '../../components/Icon';
import { ToolButton } from '../../components/ToolButton';
import css from './CameraForm.module.css';

interface Props {
  camera: Camera;
  onRemoved: () => void;
  onFailed: (why: string) => void;
}

/** Removes a camera, after asking once more. */
export function RemoveButton({ camera, onRemoved, onFailed }: Props) {
  const [asking, setAsking] = useState(false);
  if (!asking) {
    return (
      <ToolButton icon="trash" onClick={() => setAsking(true)} data-testid="remove-camera">
        Remove
      </ToolButton>
    );
  }
  const remove = () =>
    void removeCamera(camera.id).then(onRemoved, (error: unknown) => {
      setAsking(false);
      onFailed(sentence(error));
    });
  return (
    <span className={css.sure} role="group" aria-label="Remove this camera?">
      <Button
        className={css.danger}
        leftSection={<Icon name="trash" />}
        onClick={remove}
        autoFocus
        data-testid="really-remove"
      >
        Remove camera
      </Button>
      <Button variant="subtle" color="gray" px="sm" onClick={() => setAsking(false)}>
        Keep
      </Button>
    </span>
  );
}

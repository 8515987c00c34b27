import { Button } from '@mantine/core';
import { Command } from '../../components/Command';
import { EmptyState } from '../../components/EmptyState';
import { Icon } from '../../components/Icon';
import { SIMULATED, SIMULATOR_COMMAND } from './simulator';
import css from './EmptyCameras.module.css';

interface Props {
  onAdd: () => void;
  onTry: () => void;
  /** Why none can be added; null where one can. */
  whyNot: string | null;
}

/** What stands where cameras will be. */
export function EmptyCameras({ onAdd, onTry, whyNot }: Props) {
  return (
    <EmptyState
      icon="camera"
      title="No cameras yet"
      text="A camera is any board or device that serves MJPEG or single JPEGs at an http address, such as an ESP32-CAM. The server reads it once, however many people watch."
    >
      {whyNot === null ? (
        <>
          <Button leftSection={<Icon name="plus" />} onClick={onAdd} data-testid="add-first">
            Add a camera
          </Button>
          <TryWithout onTry={onTry} />
        </>
      ) : (
        <p>{whyNot}</p>
      )}
    </EmptyState>
  );
}

/** The way to a camera for those who have none. */
export function TryWithout({ onTry }: { onTry: () => void }) {
  return (
    <div className={css.without}>
      <h3 className={css.subtitle}>Try it without a camera</h3>
      <ol className={css.steps}>
        <li>
          Run this on the server’s machine. It simulates a camera that shows a street:
          <Command text={SIMULATOR_COMMAND} />
        </li>
        <li>
          Add it with the address <code>{SIMULATED.url}</code>
          <Button variant="default" leftSection={<Icon name="plus" />} onClick={onTry}>
            Add the simulated camera
          </Button>
        </li>
      </ol>
      <p className={css.small}>
        The server reads cameras on its own machine only if this is allowed. If it refuses, start it
        with <code>--set cameras.allow=127.0.0.1</code>, or add <code>allow = ["127.0.0.1"]</code>{' '}
        under <code>[cameras]</code> in sightwire.toml.
      </p>
    </div>
  );
}

import { Button } from '@mantine/core';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { Link } from '../base/Link';
import { TrySimulated } from '../cameras/edit/TrySimulated';
import { summary } from '../cameras/grid/summary';
import { Icon } from '../components/Icon';
import { Entry } from './Entry';
import css from './Entry.module.css';

const EVERY_MS = 3000;

/** The way to the cameras, with and without one. */
export function CamerasEntry({ compact }: { compact: boolean }) {
  const { answer } = usePoll(camerasPoll, EVERY_MS);
  const cameras = answer?.cameras ?? [];
  const mayAdd = answer?.may_change !== false;
  return (
    <Entry
      id="entry-cameras"
      icon="camera"
      title="Cameras"
      line="Watch cameras with any number of viewers, and see what is in front of them."
    >
      <div className={css.actions}>
        {(cameras.length > 0 || !mayAdd) && (
          <Button component={Link} href="/cameras" leftSection={<Icon name="eye" />}>
            Watch cameras
          </Button>
        )}
        {mayAdd && (
          <Button
            component={Link}
            href="/cameras?add"
            variant={cameras.length === 0 ? 'filled' : 'default'}
            leftSection={<Icon name="plus" />}
          >
            Add a camera
          </Button>
        )}
        {mayAdd && <TrySimulated />}
      </div>
      {!compact && (
        <div className={css.more}>
          <p className="caption" data-testid="cameras-summary">
            {answer === null
              ? 'Cameras'
              : cameras.length === 0
                ? 'No cameras yet'
                : summary(answer)}
          </p>
        </div>
      )}
    </Entry>
  );
}

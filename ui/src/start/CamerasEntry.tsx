import { Button } from '@mantine/core';
import { camerasPoll } from '../api/cameras';
import { usePoll } from '../api/poll';
import { Link } from '../app/Link';
import { cameraWords } from '../cameras/state/streamWords';
import { summary } from '../cameras/grid/summary';
import { Icon } from '../components/Icon';
import { StateBadge } from '../components/StateBadge';
import { Entry } from './Entry';
import css from './Entry.module.css';

const EVERY_MS = 3000;
/** As many as have room; the page behind shows all. */
const MOST = 4;

/** The way to the cameras, with and without one. Looking here opens none of them. */
export function CamerasEntry() {
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
        <Button component={Link} href="/cameras" leftSection={<Icon name="eye" />}>
          {cameras.length === 0 && mayAdd ? 'Add a camera' : 'Watch cameras'}
        </Button>
        {mayAdd && (
          <Button
            component={Link}
            href="/cameras?try"
            variant="default"
            leftSection={<Icon name="clip" />}
          >
            Try a simulated camera
          </Button>
        )}
      </div>
      <div className={css.more}>
        <p className="caption" data-testid="cameras-summary">
          {answer === null ? 'Cameras' : cameras.length === 0 ? 'No cameras yet' : summary(answer)}
        </p>
        <ul className={css.cameras}>
          {cameras.slice(0, MOST).map((camera) => {
            const words = cameraWords(camera, null, { wanted: false });
            return (
              <li key={camera.id}>
                <Link href={`/cameras/${camera.id}`} className={css.camera}>
                  <span className={css.name}>{camera.name}</span>
                  <StateBadge tone={words.tone} icon={words.icon} word={words.word} />
                </Link>
              </li>
            );
          })}
        </ul>
      </div>
    </Entry>
  );
}

import { Button } from '@mantine/core';
import { Link } from '../app/Link';
import { Icon } from '../components/Icon';
import css from './EmptyHealth.module.css';

/** What stands where streams and viewers will be. */
export function EmptyHealth() {
  return (
    <section className={`card ${css.empty}`} aria-labelledby="empty">
      <span className={css.sign}>
        <Icon name="health" size={28} />
      </span>
      <h2 id="empty" className={css.title}>
        No streams yet
      </h2>
      <p className={css.text}>
        This page shows every stream, with frames in and out, losses and delays, and every viewer. A
        stream starts when someone sends one, a camera when someone watches it.
      </p>
      <div className={css.actions}>
        <Button component={Link} href="/broadcast" leftSection={<Icon name="broadcast" />}>
          Start a stream
        </Button>
        <Button
          component={Link}
          href="/cameras"
          variant="default"
          leftSection={<Icon name="camera" />}
        >
          Watch a camera
        </Button>
      </div>
    </section>
  );
}

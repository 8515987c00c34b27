import { Button } from '@mantine/core';
import { Icon } from '../components/Icon';
import css from './StartStop.module.css';

interface Props {
  running: boolean;
  onStart: () => void;
  onStop: () => void;
}

/** One button in one place: it starts, and stops what it has started. */
export function StartStop({ running, onStart, onStop }: Props) {
  return running ? (
    <Button
      variant="default"
      className={css.button}
      leftSection={<Icon name="stop" size={16} />}
      onClick={onStop}
      data-testid="stop"
    >
      Stop
    </Button>
  ) : (
    <Button
      className={css.button}
      leftSection={<Icon name="play" size={16} />}
      onClick={onStart}
      data-testid="start"
    >
      Start
    </Button>
  );
}

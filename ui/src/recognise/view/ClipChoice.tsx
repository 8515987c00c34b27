import { Button, NativeSelect } from '@mantine/core';
import { Icon } from '../../components/Icon';
import css from './ClipChoice.module.css';

interface Props {
  gestures: readonly string[];
  gesture: string;
  onGesture: (gesture: string) => void;
  onAnotherClip: () => void;
}

/** Which clip the server generates. */
export function ClipChoice({ gestures, gesture, onGesture, onAnotherClip }: Props) {
  return (
    <>
      <NativeSelect
        aria-label="Gesture"
        data-testid="gesture"
        className={css.grow}
        value={gesture}
        onChange={(event) => onGesture(event.currentTarget.value)}
        data={gestures.includes(gesture) ? [...gestures] : [gesture, ...gestures]}
      />
      <Button variant="default" px="sm" onClick={onAnotherClip} leftSection={<Icon name="retry" />}>
        Another
      </Button>
    </>
  );
}

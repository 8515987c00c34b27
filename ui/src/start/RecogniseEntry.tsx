import { Button } from '@mantine/core';
import { Offer } from '../access/Offer';
import { useMay } from '../api/session';
import { Link } from '../base/Link';
import { gestureIcon } from '../components/gestureIcon';
import { Icon } from '../components/Icon';
import { askForCamera } from '../recognise/startCamera';
import { Entry } from './Entry';
import css from './Entry.module.css';

interface Props {
  gestures: readonly string[];
  /** The model at work knows hands, and not only what moves. */
  hands: boolean;
  /** What runs stands above: the way there is enough. */
  compact: boolean;
}

/** The way into the Recognise page, with and without a camera. */
export function RecogniseEntry({ gestures, hands, compact }: Props) {
  const mayTry = useMay('streamer', 'signs');
  return (
    <Entry
      id="entry-recognise"
      icon="wave"
      title="Recognise"
      line={
        hands
          ? 'Show your camera a hand: its shapes and motions are named as you make them.'
          : 'Hold a hand still in front of your camera, then move it: the motion is named as you make it.'
      }
    >
      <Offer role="streamer" use="signs" what="Having signs recognised">
        <div className={css.actions}>
          <Button
            component={Link}
            href="/recognise"
            onClick={askForCamera}
            leftSection={<Icon name="camera" />}
          >
            Use my camera
          </Button>
          <Button
            component={Link}
            href="/recognise?source=sample&gesture=wave"
            variant="default"
            leftSection={<Icon name="clip" />}
          >
            Try it without a camera
          </Button>
        </div>
      </Offer>
      {mayTry && !compact && (
        <div className={css.more}>
          <p className="caption">Generated clips</p>
          <ul className={css.list}>
            {gestures.map((gesture) => (
              <li key={gesture}>
                <Link href={`/recognise?source=sample&gesture=${gesture}`} className={css.gesture}>
                  <Icon name={gestureIcon(gesture) ?? 'clip'} size={20} />
                  {gesture}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Entry>
  );
}

import { Modal, Switch } from '@mantine/core';
import type { ActiveStreams } from 'sightwire/api';
import type { StreamView } from 'sightwire/relay';
import { camerasPoll } from '../api/cameras';
import { Poll, usePoll } from '../api/poll';
import { Link } from '../app/Link';
import { ALL, toggled } from './settings';
import css from './Chooser.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
  /** What was chosen. */
  chosen: readonly string[];
  /** What is on the wall. */
  streams: readonly StreamView[];
  onChange: (chosen: readonly string[]) => void;
}

const EVERY_MS = 2000;

/** The streams that are sent to the server now, whether or not they are on the wall. */
const activePoll = new Poll<ActiveStreams>('/streams/active');

/** What is on the wall. Everything acts at once. */
export default function Chooser({ opened, onClose, ...rest }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Streams on the wall"
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
      size={520}
    >
      <Choices {...rest} />
    </Modal>
  );
}

/** Asks the server only while it is shown. */
function Choices({ chosen, streams, onChange }: Omit<Props, 'opened' | 'onClose'>) {
  const { answer } = usePoll(camerasPoll, EVERY_MS);
  const active = usePoll(activePoll, EVERY_MS).answer?.active_streams ?? [];
  const cameras = answer?.cameras ?? [];
  const isCamera = (id: string) => cameras.some((camera) => camera.id === id);
  const named = chosen.filter((id) => id !== ALL && !isCamera(id));
  const seen = streams.filter(({ kind }) => kind === 'relay').map(({ id }) => id);
  const sent = [...new Set([...named, ...active, ...seen])].filter((id) => !isCamera(id));
  const all = chosen.includes(ALL);
  // Where all are shown, there is nothing to choose among them.
  const singles = all ? named : sent;
  const onToggle = (id: string) => onChange(toggled(chosen, id, sent));
  return (
    <div className={css.choices}>
      <section>
        <h3 className="caption">Sent to this server</h3>
        <Switch
          className={css.choice}
          label="All streams"
          description={`Including those that start later. ${sent.length} now.`}
          checked={all}
          onChange={() => onToggle(ALL)}
          data-testid="choose-all"
        />
        {singles.map((id) => (
          <Switch
            key={id}
            className={css.choice}
            label={id}
            checked={chosen.includes(id)}
            onChange={() => onToggle(id)}
            data-testid={`choose-${id}`}
          />
        ))}
      </section>
      <section>
        <h3 className="caption">Cameras of this server</h3>
        {cameras.map(({ id, name }) => (
          <Switch
            key={id}
            className={css.choice}
            label={name}
            checked={chosen.includes(id)}
            onChange={() => onToggle(id)}
            data-testid={`choose-${id}`}
          />
        ))}
        {answer !== null && cameras.length === 0 && (
          <p className={css.none}>
            No cameras yet. {answer.may_change && <Link href="/cameras">Add one</Link>}
          </p>
        )}
      </section>
    </div>
  );
}

import { Modal, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { camerasPoll, streamsPoll } from '../../api/cameras';
import { usePoll } from '../../api/poll';
import { Link } from '../../base/Link';
import { FIND_FROM, isFound, NOT_FOUND } from '../../components/find';
import { FindField } from '../../components/FindField';
import { Icon } from '../../components/Icon';
import { naturalOrder } from '../../components/naturalOrder';
import { Notice } from '../../components/Notice';
import css from './StreamPicker.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
  /** Resolves when its newest frame is there, or was found missing. */
  onChoose: (id: string) => Promise<void>;
}

const EVERY_MS = 2000;

/** Live streams and cameras; the newest frame of the chosen one is read. */
export default function StreamPicker({ opened, onClose, onChoose }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      returnFocus={false}
      title="Read from a stream"
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
    >
      <Choice onChoose={onChoose} onClose={onClose} />
    </Modal>
  );
}

function Choice({ onChoose, onClose }: Omit<Props, 'opened'>) {
  const cameras = usePoll(camerasPoll, EVERY_MS);
  const streams = usePoll(streamsPoll, EVERY_MS);
  const [asked, setAsked] = useState<string | null>(null);
  const known = (cameras.answer?.cameras ?? []).map(({ id, name }) => ({
    id,
    name,
    about: 'camera',
  }));
  const others = (streams.answer?.streams ?? [])
    .filter(({ id, state }) => state !== 'ended' && !known.some((camera) => camera.id === id))
    .map(({ id, name, state }) => ({ id, name, about: state === 'running' ? 'live' : state }));
  const all = [...others, ...known].toSorted((a, b) => naturalOrder(a.name, b.name));
  const [find, setFind] = useState('');
  const found = all.filter(({ id, name }) => isFound(find, id, name));
  const choose = (id: string) => {
    setAsked(id);
    void onChoose(id).finally(onClose);
  };
  if (cameras.failure !== null && cameras.answer === null) {
    return (
      <Notice
        tone="bad"
        icon="plug"
        title="The list could not be loaded"
        cause={cameras.failure.message}
      >
        Retrying automatically.
      </Notice>
    );
  }
  if (all.length === 0) {
    return (
      <div className={css.empty}>
        <p>
          {cameras.answer === null
            ? 'Loading…'
            : 'No live streams. Share a camera or a screen on the Broadcast page, or add a camera; then you can read its newest frame here.'}
        </p>
        <p>
          <Link href="/broadcast">Broadcast</Link> <Link href="/cameras">Cameras</Link>
        </p>
      </div>
    );
  }
  return (
    <>
      {(all.length >= FIND_FROM || find !== '') && (
        <FindField
          className={css.find}
          label="Find a stream or a camera"
          placeholder="Find a name"
          find={find}
          onFind={setFind}
        />
      )}
      {found.length === 0 && <p>{NOT_FOUND}</p>}
      <ul className={css.list} aria-label="Streams and cameras">
        {found.map(({ id, name, about }) => (
          <li key={id}>
            <UnstyledButton
              className={css.entry ?? ''}
              onClick={() => choose(id)}
              disabled={asked !== null}
              data-testid={`stream-${id}`}
            >
              <Icon name={about === 'camera' ? 'camera' : 'live'} />
              <span className={css.name}>{name}</span>
              <span className={css.about}>{asked === id ? 'requesting a frame…' : about}</span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </>
  );
}

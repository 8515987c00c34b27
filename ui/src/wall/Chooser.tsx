import { Button, Modal, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ActiveStreams } from 'sightwire/api';
import type { StreamView } from 'sightwire/relay';
import { camerasPoll } from '../api/cameras';
import { Poll, usePoll } from '../api/poll';
import { Link } from '../base/Link';
import { FIND_FROM, isFound } from '../components/find';
import { FindField } from '../components/FindField';
import { Icon } from '../components/Icon';
import { naturalOrder } from '../components/naturalOrder';
import { ToolButton } from '../components/ToolButton';
import { type Group, withGroup } from './order';
import { ALL, toggled, type WallSettings } from './settings';
import css from './Chooser.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
  /** What was chosen. */
  settings: WallSettings;
  /** What is on the wall. */
  streams: readonly StreamView[];
  onChange: (change: Partial<WallSettings>) => void;
  groups: readonly Group[];
  onGroups: (groups: readonly Group[]) => void;
}

const EVERY_MS = 2000;

/** The streams that are sent to the server now, whether or not they are on the wall. */
const activePoll = new Poll<ActiveStreams>('/streams/active');

/** What is on the wall. Everything acts at once. */
export default function Chooser({ opened, onClose, groups, onGroups, ...rest }: Props) {
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
      <div className={css.choices}>
        <Choices {...rest} />
        <Groups streams={rest.streams} groups={groups} onGroups={onGroups} />
      </div>
    </Modal>
  );
}

/** Asks the server only while it is shown. */
function Choices({
  settings,
  streams,
  onChange,
}: Pick<Props, 'settings' | 'streams' | 'onChange'>) {
  const chosen = settings.streams;
  const { answer } = usePoll(camerasPoll, EVERY_MS);
  const active = usePoll(activePoll, EVERY_MS).answer?.active_streams ?? [];
  const cameras = answer?.cameras ?? [];
  const isCamera = (id: string) => cameras.some((camera) => camera.id === id);
  const named = chosen.filter((id) => id !== ALL && !isCamera(id));
  const seen = streams.filter(({ kind }) => kind === 'relay').map(({ id }) => id);
  const sent = [...new Set([...named, ...active, ...seen])].filter((id) => !isCamera(id));
  const all = chosen.includes(ALL);
  // Where all are shown, there is nothing to choose among them.
  const singles = (all ? named : sent).toSorted(naturalOrder);
  const onToggle = (id: string) => onChange({ streams: toggled(chosen, id, sent) });
  /** Instead of all cameras those that are there now, to choose among. */
  const onCameras = (on: boolean) =>
    onChange({
      cameras: on,
      streams: on
        ? chosen.filter((id) => !isCamera(id))
        : [...new Set([...chosen, ...cameras.map(({ id }) => id)])],
    });
  const [find, setFind] = useState('');
  const known = settings.cameras ? [] : cameras.toSorted((a, b) => naturalOrder(a.name, b.name));
  return (
    <>
      {(singles.length + known.length >= FIND_FROM || find !== '') && (
        <FindField
          label="Find a stream or a camera"
          placeholder="Find a name"
          find={find}
          onFind={setFind}
        />
      )}
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
        {singles
          .filter((id) => isFound(find, id))
          .map((id) => (
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
        {(cameras.length > 0 || settings.cameras) && (
          <Switch
            className={css.choice}
            label="All cameras"
            description={`Including those that are added later. ${cameras.length} now.`}
            checked={settings.cameras}
            onChange={(event) => onCameras(event.currentTarget.checked)}
            data-testid="choose-cameras"
          />
        )}
        {known
          .filter(({ id, name }) => isFound(find, id, name))
          .map(({ id, name }) => (
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
            No cameras yet. {answer.may_change && <Link href="/cameras?add">Add one</Link>}
          </p>
        )}
      </section>
    </>
  );
}

/** Streams that belong together, under a name: kept in this browser, and chosen beside the wall. */
function Groups({ streams, groups, onGroups }: Pick<Props, 'streams' | 'groups' | 'onGroups'>) {
  const [name, setName] = useState('');
  const add = () => {
    if (name.trim() === '' || streams.length === 0) return;
    onGroups(withGroup(groups, { name: name.trim(), streams: streams.map(({ id }) => id) }));
    setName('');
  };
  return (
    <section>
      <h3 className="caption">Groups in this browser</h3>
      {groups.map((group) => (
        <p key={group.name} className={css.group}>
          <span className={css.name}>{group.name}</span>
          <span className="number">{group.streams.length}</span>
          <ToolButton
            icon="trash"
            onClick={() => onGroups(groups.filter((one) => one !== group))}
            aria-label={`Forget the group ${group.name}`}
          >
            Forget
          </ToolButton>
        </p>
      ))}
      <form
        className={css.new}
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <TextInput
          label="Name"
          description="What is on the wall now, to come back to"
          value={name}
          maxLength={60}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
          data-testid="group-name"
        />
        <Button
          type="submit"
          variant="default"
          leftSection={<Icon name="plus" />}
          aria-disabled={name.trim() === '' || streams.length === 0}
          data-testid="group-add"
        >
          Keep as a group
        </Button>
      </form>
    </section>
  );
}

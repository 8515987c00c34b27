import { ActionIcon, NativeSelect, Tooltip } from '@mantine/core';
import { CopyButton } from '../components/CopyButton';
import { Icon } from '../components/Icon';
import { Toggle } from '../components/Toggle';
import type { Group } from './order';
import type { WallSettings } from './settings';
import css from './Controls.module.css';

interface Props {
  settings: WallSettings;
  onChange: (change: Partial<WallSettings>) => void;
  onFull: () => void;
  onScreen: () => void;
  groups: readonly Group[];
  /** The one that is shown; null where it is none of them. */
  group: string | null;
  onGroup: (name: string | null) => void;
}

/** How the wall looks. Everything acts at once, and stands in the address. */
export function Controls(props: Props) {
  const { settings, onChange, onFull, onScreen, groups, group, onGroup } = props;
  return (
    <div className={css.controls}>
      {groups.length > 0 && (
        <NativeSelect
          aria-label="Group"
          value={group ?? ''}
          onChange={({ currentTarget: { value } }) => onGroup(value === '' ? null : value)}
          data={[
            { value: '', label: 'Everything' },
            ...groups.map(({ name }) => ({ value: name, label: name })),
          ]}
          data-testid="group"
        />
      )}
      <Toggle
        label="Overlays"
        explain="Boxes, names and points of what models detect. Detection runs only while someone is viewing them."
        checked={settings.overlays}
        onChange={(on) => onChange({ overlays: on })}
        data-testid="overlays"
      />
      <CopyButton text={() => location.href} what="the address of this wall" label="Copy link" />
      <Tooltip label="Control room: only pictures, on all of the window">
        <ActionIcon onClick={onScreen} aria-label="Control room" data-testid="screen">
          <Icon name="wall" size={20} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Full screen">
        <ActionIcon onClick={onFull} aria-label="Full screen">
          <Icon name="expand" size={20} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

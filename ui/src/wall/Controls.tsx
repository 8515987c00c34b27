import { ActionIcon, SegmentedControl, Switch, Tooltip } from '@mantine/core';
import { CopyButton } from '../components/CopyButton';
import { Icon } from '../components/Icon';
import { type Size, SIZES, type WallSettings } from './settings';
import css from './Controls.module.css';

interface Props {
  settings: WallSettings;
  onChange: (change: Partial<WallSettings>) => void;
  onFull: () => void;
}

const NAMES: Record<Size, string> = { small: 'Small', medium: 'Medium', large: 'Large' };

/** How the wall looks. Everything acts at once, and stands in the address. */
export function Controls({ settings, onChange, onFull }: Props) {
  return (
    <div className={css.controls}>
      <SegmentedControl
        aria-label="Tile size"
        className={css.sizes ?? ''}
        value={settings.size}
        onChange={(size) => onChange({ size })}
        data={SIZES.map((value) => ({ value, label: NAMES[value] }))}
        data-testid="size"
      />
      <Tooltip label="Boxes, names and points of what models detect. Detection runs only while someone is viewing them.">
        <Switch
          label="Overlays"
          className={css.switch}
          checked={settings.overlays}
          onChange={(event) => onChange({ overlays: event.currentTarget.checked })}
          data-testid="overlays"
        />
      </Tooltip>
      <CopyButton text={() => location.href} what="the address of this wall" label="Copy link" />
      <Tooltip label="Full screen">
        <ActionIcon onClick={onFull} aria-label="Full screen">
          <Icon name="expand" size={20} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

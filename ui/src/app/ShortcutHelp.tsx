import { Kbd, Modal, Switch } from '@mantine/core';
import { useShortcutList, useShortcutsEnabled } from '../base/shortcuts';
import css from './ShortcutHelp.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
}

export default function ShortcutHelp({ opened, onClose }: Props) {
  const groups = useShortcutList();
  const [enabled, setEnabled] = useShortcutsEnabled();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Keyboard shortcuts"
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
      size={720}
    >
      <div className={css.groups}>
        {groups.map((group) => (
          <section key={group.title} className={css.group}>
            <h3 className="caption">{group.title}</h3>
            <dl className={css.list}>
              {group.shortcuts.map((shortcut) => (
                <div key={shortcut.key} className={css.row}>
                  <dt>{shortcut.what}</dt>
                  <dd>
                    <Kbd>{shortcut.key}</Kbd>
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <Switch
        className={css.switch}
        label="Single-key shortcuts"
        description="“?” always opens this list"
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
    </Modal>
  );
}

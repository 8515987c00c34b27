import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import css from './ControlsDrawer.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
  /** What its button says. */
  title?: string;
  children: ReactNode;
}

/** Source and options on a phone, out of the picture's way. */
export default function ControlsDrawer({ opened, onClose, title = 'Controls', children }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="bottom"
      title={title}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      classNames={{ content: css.content ?? '', body: css.body ?? '' }}
    >
      {children}
    </Drawer>
  );
}

import { Button } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Icon } from '../Icon';
import css from './PhoneBar.module.css';

/** Loaded only on phones. */
const ControlsDrawer = lazy(() => import('../ControlsDrawer'));

interface BarProps {
  /** What the second button says. */
  name: string;
  onOpen: () => void;
  /** The button that is needed most. */
  children: ReactNode;
}

/** Two buttons at the lower edge of a phone, in reach of a thumb. */
export function PhoneBar({ name, onOpen, children }: BarProps) {
  return (
    <div className={css.bar} data-phone-bar>
      {children}
      <Button variant="default" leftSection={<Icon name="sliders" />} onClick={onOpen}>
        {name}
      </Button>
    </div>
  );
}

interface ControlsProps {
  /** The button that is needed most. */
  first: ReactNode;
  /** All that other screens show beside the picture. */
  children: ReactNode;
}

/** The controls of a page on a phone: one at hand, the others in a drawer. */
export function PhoneControls({ first, children }: ControlsProps) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <PhoneBar name="Controls" onOpen={() => setOpened(true)}>
        {first}
      </PhoneBar>
      <Suspense fallback={null}>
        <ControlsDrawer opened={opened} onClose={() => setOpened(false)}>
          {children}
        </ControlsDrawer>
      </Suspense>
    </>
  );
}

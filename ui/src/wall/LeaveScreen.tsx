import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Icon } from '../components/Icon';

/** How long it stays after the pointer stands still. */
const SHOWN_MS = 2500;

/** The way out of a control room's screen: there for whoever moves the pointer, or comes to it by the keyboard. */
export function LeaveScreen({ className, onLeave }: { className: string; onLeave: () => void }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      setShown(true);
      clearTimeout(timer);
      timer = setTimeout(() => setShown(false), SHOWN_MS);
    };
    window.addEventListener('pointermove', show);
    window.addEventListener('pointerdown', show);
    return () => {
      clearTimeout(timer);
      window.removeEventListener('pointermove', show);
      window.removeEventListener('pointerdown', show);
    };
  }, []);
  return (
    <div className={className} data-shown={shown || undefined}>
      <Button
        variant="default"
        leftSection={<Icon name="close" />}
        onClick={onLeave}
        data-testid="leave-screen"
      >
        Leave the control room
      </Button>
    </div>
  );
}

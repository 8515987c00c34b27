import { ActionIcon, Tooltip } from '@mantine/core';
import { useMemo, useRef } from 'react';
import { Icon } from '../components/Icon';
import { useShortcuts } from '../base/shortcuts';
import { useScheme } from '../components/useScheme';

/** Goes round: as the system, light, dark. */
export function SchemeToggle({ className = '' }: { className?: string | undefined }) {
  const { words, icon, next } = useScheme();
  const button = useRef<HTMLButtonElement>(null);
  const shortcuts = useMemo(
    () => [{ key: 't', what: 'Colours: system, light, dark', run: () => button.current?.click() }],
    [],
  );
  useShortcuts('Everywhere', shortcuts);
  return (
    <Tooltip label={words}>
      <ActionIcon ref={button} className={className} onClick={next} aria-label={`${words}. Change`}>
        <Icon name={icon} size={20} />
      </ActionIcon>
    </Tooltip>
  );
}

import { ActionIcon, type MantineColorScheme, Tooltip, useMantineColorScheme } from '@mantine/core';
import { Icon, type IconName } from '../components/Icon';
import { useMemo } from 'react';
import { useShortcuts } from './shortcuts';

const NEXT: Record<MantineColorScheme, MantineColorScheme> = {
  auto: 'light',
  light: 'dark',
  dark: 'auto',
};
const ICONS: Record<MantineColorScheme, IconName> = { auto: 'system', light: 'sun', dark: 'moon' };
const WORDS: Record<MantineColorScheme, string> = {
  auto: 'Colours: system',
  light: 'Colours: light',
  dark: 'Colours: dark',
};

/** Goes round: as the system, light, dark. */
export function SchemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shortcuts = useMemo(() => {
    const run = () => setColorScheme(NEXT[colorScheme]);
    return [{ key: 't', what: 'Colours: system, light, dark', run }];
  }, [colorScheme, setColorScheme]);
  useShortcuts('Everywhere', shortcuts);
  return (
    <Tooltip label={WORDS[colorScheme]}>
      <ActionIcon
        onClick={() => setColorScheme(NEXT[colorScheme])}
        aria-label={`${WORDS[colorScheme]}. Change`}
      >
        <Icon name={ICONS[colorScheme]} size={20} />
      </ActionIcon>
    </Tooltip>
  );
}

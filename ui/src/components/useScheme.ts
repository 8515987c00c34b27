import { type MantineColorScheme, useMantineColorScheme } from '@mantine/core';
import type { IconName } from './Icon';

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

/** Which colours the page has, and the way round: as the system, light, dark. */
export function useScheme(): { words: string; icon: IconName; next: () => void } {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return {
    words: WORDS[colorScheme],
    icon: ICONS[colorScheme],
    next: () => setColorScheme(NEXT[colorScheme]),
  };
}

import { useMediaQuery } from '@mantine/hooks';

/** Whether the window is as narrow as a phone's; the same width stands in the style sheets. */
export function usePhone(): boolean {
  return useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
}

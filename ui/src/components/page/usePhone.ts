import { useMediaQuery } from '@mantine/hooks';

/** Whether the window is as narrow as a phone's, and narrower than a tablet's (768 px); the same width stands in the style sheets. */
export function usePhone(): boolean {
  return useMediaQuery('(max-width: 47.9375em)', undefined, { getInitialValueInEffect: false });
}

import { useMediaQuery } from '@mantine/hooks';

const NARROW = '(max-width: 62em) and (min-height: 30em), (max-width: 47.9375em)';

/** Whether a page's columns stand one below the other; the same widths stand in the style sheet of the page. */
export function useOneColumn(): boolean {
  return useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
}

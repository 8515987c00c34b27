import { type RefObject, useEffect, useRef } from 'react';

/**
 * For what takes the place of a form that was sent: brings it into view, and the focus to it, which would be lost with the
 * form's button. The element needs `tabIndex={-1}`.
 */
export function useArrival<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => {
    element.current?.focus({ preventScroll: true });
    element.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  return element;
}

import { useCallback, useRef } from 'react';

interface Opener {
  /** To be called when a dialog is asked for. */
  note: () => void;
  /** To be called when it is closed: puts the focus where it was. */
  giveBack: () => void;
}

/**
 * Brings the focus back to whatever opened a dialog. A dialog that is loaded only after the press
 * cannot know that by itself.
 */
export function useOpener(): Opener {
  const opener = useRef<Element | null>(null);
  const note = useCallback(() => {
    opener.current = document.activeElement;
  }, []);
  const giveBack = useCallback(() => {
    const { current } = opener;
    if (current instanceof HTMLElement) requestAnimationFrame(() => current.focus());
  }, []);
  return { note, giveBack };
}

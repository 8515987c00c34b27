import { useCallback, useState } from 'react';
import { useOpener } from '../components/useOpener';

interface UseChooser {
  /** `never`: it was not asked for yet, and need not be loaded. */
  chooser: 'never' | 'open' | 'closed';
  choose: () => void;
  close: () => void;
}

/** The panel in which streams are chosen; it gives the focus back. */
export function useChooser(): UseChooser {
  const [chooser, setChooser] = useState<UseChooser['chooser']>('never');
  const { note, giveBack } = useOpener();
  const choose = useCallback(() => {
    note();
    setChooser('open');
  }, [note]);
  const close = useCallback(() => {
    setChooser('closed');
    giveBack();
  }, [giveBack]);
  return { chooser, choose, close };
}

import { useCallback, useEffect } from 'react';
import { useFileDrop } from '../../components/useFileDrop';
import { dropped, NOTHING, pasted, type Pick } from './pick';

/** What is dropped anywhere on the page or pasted into it; whether something is held over it. */
export function useDrop(onPick: (pick: Pick) => void): boolean {
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      if (event.clipboardData === null) return;
      const pick = pasted(event.clipboardData, new Date());
      if (pick.files.length === 0) return;
      event.preventDefault();
      onPick(pick);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, [onPick]);
  return useFileDrop(
    useCallback(
      (data: DataTransfer) => {
        dropped(data)
          .then(onPick)
          .catch(() => onPick({ files: [], left: NOTHING }));
      },
      [onPick],
    ),
  );
}

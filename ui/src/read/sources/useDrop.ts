import { useEffect, useState } from 'react';
import { dropped, pasted, type Pick } from './pick';

/** What is dropped anywhere on the page or pasted into it; whether something is held over it. */
export function useDrop(onPick: (pick: Pick) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    // Events come for each element that is crossed: the last one to be left ends it.
    let depth = 0;
    const held = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const enter = (event: DragEvent) => {
      if (!held(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!held(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const move = (event: DragEvent) => {
      // Without this the browser would open the file instead of the page.
      if (held(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      depth = 0;
      setOver(false);
      if (event.dataTransfer === null || !held(event)) return;
      event.preventDefault();
      dropped(event.dataTransfer)
        .then(onPick)
        .catch(() => onPick({ files: [], left: 0 }));
    };
    const paste = (event: ClipboardEvent) => {
      if (event.clipboardData === null) return;
      const pick = pasted(event.clipboardData, new Date());
      if (pick.files.length === 0) return;
      event.preventDefault();
      onPick(pick);
    };
    const listeners = { dragenter: enter, dragleave: leave, dragover: move, drop, paste };
    for (const [type, listener] of Object.entries(listeners)) {
      document.addEventListener(type, listener as EventListener);
    }
    return () => {
      for (const [type, listener] of Object.entries(listeners)) {
        document.removeEventListener(type, listener as EventListener);
      }
    };
  }, [onPick]);
  return over;
}

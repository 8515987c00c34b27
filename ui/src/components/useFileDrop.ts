import { useEffect, useState } from 'react';

/** What is dropped anywhere on the page; whether a file is being held over it. */
export function useFileDrop(onDrop: (data: DataTransfer) => void): boolean {
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
      onDrop(event.dataTransfer);
    };
    const listeners = { dragenter: enter, dragleave: leave, dragover: move, drop };
    for (const [type, listener] of Object.entries(listeners)) {
      document.addEventListener(type, listener as EventListener);
    }
    return () => {
      for (const [type, listener] of Object.entries(listeners)) {
        document.removeEventListener(type, listener as EventListener);
      }
    };
  }, [onDrop]);
  return over;
}

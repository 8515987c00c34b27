import { useEffect } from 'react';

/** What lies below the control room is not to be come to by keys. */
export function useControlRoom(isRoom: boolean): void {
  useEffect(() => {
    if (!isRoom) return undefined;
    const others = document.querySelectorAll<HTMLElement>('header');
    for (const other of others) other.inert = true;
    return () => {
      for (const other of others) other.inert = false;
    };
  }, [isRoom]);
}

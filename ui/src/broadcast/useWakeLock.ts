import { useEffect } from 'react';

/** Keeps the screen on: a phone that falls asleep takes its camera with it. */
export function useWakeLock(active: boolean): void {
  useEffect(() => {
    // Missing on pages without https, and in older browsers, whatever the type says.
    const { wakeLock } = navigator as Partial<Pick<Navigator, 'wakeLock'>>;
    if (!active || wakeLock === undefined) return;
    let lock: Promise<WakeLockSentinel | null> = Promise.resolve(null);
    // The browser takes it back whenever the page is hidden.
    const ask = () => {
      if (!document.hidden) lock = wakeLock.request('screen').catch(() => null);
    };
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      document.removeEventListener('visibilitychange', ask);
      void lock.then((held) => held?.release());
    };
  }, [active]);
}

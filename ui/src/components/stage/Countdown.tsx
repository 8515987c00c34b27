import { useEffect, useState } from 'react';

/** Seconds until the next try, or that it is under way. The line keeps its place. */
export function Countdown({ untilMs }: { untilMs: number | null }) {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), 250);
    return () => clearInterval(timer);
  }, []);
  if (untilMs === null) return <span>Retrying…</span>;
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
  return <span className="number">Retrying in {seconds} s.</span>;
}

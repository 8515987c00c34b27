import { useEffect, useState } from 'react';
import type { Samples } from 'sightwire/api';
import { getJson } from './http';

/** The gestures that the server makes clips of. They do not change while it runs. */
let known: readonly string[] = [];

export function useSamples(): readonly string[] {
  const [gestures, setGestures] = useState(known);
  useEffect(() => {
    if (known.length > 0) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        known = (await getJson<Samples>('/api/v1/samples', stop.signal)).gestures;
        setGestures(known);
      } catch {
        // The page says elsewhere that the server is silent; ask again until it answers.
        if (!stop.signal.aborted) timer = setTimeout(() => void ask(), 3000);
      }
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, []);
  return gestures;
}

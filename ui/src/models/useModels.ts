import { useCallback, useEffect, useState } from 'react';
import type { Models } from 'sightwire/api';
import { getJson } from '../api/http';

const AGAIN_MS = 5000;

export interface ModelsView {
  /** The newest list, however old; only models that the recogniser can run. */
  answer: Models | null;
  /** Why the last request failed; null if it did not. */
  failure: string | null;
  reload: () => void;
}

/** The models that the server knows. Asked for anew when another one is in use. */
export function useModels(active: string | undefined): ModelsView {
  const [answer, setAnswer] = useState<Models | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const next = await getJson<Models>('/api/v1/models', stop.signal);
        setAnswer({ ...next, models: next.models.filter(({ recognizer }) => recognizer) });
        setFailure(null);
      } catch (error) {
        if (stop.signal.aborted) return;
        setFailure(error instanceof Error ? error.message : String(error));
        timer = setTimeout(() => void ask(), AGAIN_MS);
      }
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [active, asked]);
  const reload = useCallback(() => setAsked((n) => n + 1), []);
  return { answer, failure, reload };
}

import { useCallback, useEffect, useRef, useState } from 'react';
import type { Activated } from 'sightwire/api';
import { postJson } from '../api/http';
import { refreshStatus } from '../api/statusStore';
import { type Refusal, refusal } from './modelWords';

/** A large model on a small machine takes a while to load and to be measured. */
const PATIENCE_MS = 300_000;
/** So long after its end the news of a change may take to come here. */
const NEWS_MS = 5000;

export type Activation =
  | { state: 'idle' }
  | { state: 'switching'; name: string }
  | { state: 'done'; name: string; tookMs: number }
  | { state: 'refused'; name: string; why: Refusal };

const IDLE: Activation = { state: 'idle' };

/**
 * Puts a model to use, for everyone; and how that went. `active` is the model that is in use as far
 * as this page knows: when that becomes another one than was asked for here, the matter is over.
 */
export function useActivation(active: string | undefined): [Activation, (name: string) => void] {
  const [activation, setActivation] = useState<Activation>(IDLE);
  const seen = useRef(false);
  useEffect(() => {
    const done = activation.state === 'done';
    if (!done || active === activation.name) {
      seen.current = done;
      return;
    }
    const timer = setTimeout(() => setActivation(IDLE), seen.current ? 0 : NEWS_MS);
    return () => clearTimeout(timer);
  }, [activation, active]);

  const activate = useCallback((name: string) => {
    setActivation({ state: 'switching', name });
    const path = `/api/v1/models/${encodeURIComponent(name)}/activate`;
    void postJson<Activated>(path, PATIENCE_MS)
      .then(
        ({ took_ms }): Activation => ({ state: 'done', name, tookMs: took_ms }),
        (error: unknown): Activation => ({ state: 'refused', name, why: refusal(error) }),
      )
      .then((outcome) => {
        setActivation(outcome);
        refreshStatus();
      });
    // By now the status says, to this page and all others, that a change is under way.
    setTimeout(refreshStatus, 100);
  }, []);
  return [activation, activate];
}

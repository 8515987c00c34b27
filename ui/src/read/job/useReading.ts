import { useCallback, useEffect, useRef, useState } from 'react';
import type { Document, JobFile } from 'sightwire/api';
import { RequestError, sentence } from '../../api/http';
import { getReading, readAgain } from '../../api/read';
import type { OptionQuery } from '../../api/read';
import type { JobWatch } from './jobWatch';

export interface ReadingView {
  /** What was read in the file that is shown; null until it is known. */
  reading: Document | null;
  failure: Failure | null;
  /** It is being read another way. */
  isReading: boolean;
  /** Reads the file again, another way; never rejects. A refusal is a failure unless it may be refused. */
  again: (query: OptionQuery, mayBeRefused?: boolean) => Promise<Outcome>;
}

export interface Failure {
  text: string;
  cause: string;
  title: string;
  /** It may be another in a moment: what is not known yet is asked for again. */
  isPassing: boolean;
}

/** `refused`: it cannot be read that way. `overtaken`: it was to be read another way meanwhile. */
export type Outcome = 'read' | 'refused' | 'failed' | 'overtaken';

/** So many results are at hand without asking. */
const KEPT = 30;
const GONE = 410;
const UNPROCESSABLE = 422;
/** What a server answers that has too much to do, */
const BUSY = [429, 504];
/** and one that has no room or no model for now. */
const UNAVAILABLE = 503;
const RETRY_MS = 3000;

/** Whether it may be another in a moment. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof RequestError)) return false;
  const { status } = error;
  return status === null || status === UNAVAILABLE || BUSY.includes(status);
}

function titleOf(error: unknown): string {
  const status = error instanceof RequestError ? error.status : undefined;
  if (status === null) return 'The server is not responding';
  return status !== undefined && BUSY.includes(status) ? 'The server is busy' : 'Not read';
}

/** What was read in one file of a job. */
export function useReading(watch: JobWatch | null, row: JobFile | null): ReadingView {
  const [known, setKnown] = useState<ReadonlyMap<string, Document>>(new Map());
  const [failed, setFailed] = useState<(Failure & { key: string }) | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const turn = useRef(0);
  const id = watch?.id ?? null;
  const index = row?.index ?? null;
  const isRead = row?.state === 'done';
  const key = id === null || index === null ? null : `${id}/${index}`;

  const learn = useCallback((at: string, reading: Document) => {
    setKnown((before) => {
      const after = new Map([...before].slice(-KEPT).filter(([other]) => other !== at));
      return after.set(at, reading);
    });
    setFailed(null);
  }, []);
  const fail = useCallback((at: string, error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error);
    const gone = error instanceof RequestError && error.status === GONE;
    const text = gone
      ? 'Its picture is no longer stored, so it cannot be read again. Send it again.'
      : sentence(error);
    setFailed({ key: at, text, cause, title: titleOf(error), isPassing: isPassing(error) });
  }, []);

  const isKnown = key !== null && known.has(key);
  useEffect(() => {
    if (id === null || index === null || key === null || !isRead || isKnown) return;
    const stop = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      getReading(id, index, stop.signal)
        .then((reading) => learn(key, reading))
        .catch((error: unknown) => {
          if (stop.signal.aborted) return;
          fail(key, error);
          if (isPassing(error)) retry = setTimeout(ask, RETRY_MS);
        });
    };
    ask();
    return () => {
      clearTimeout(retry);
      stop.abort();
    };
  }, [id, index, key, isRead, isKnown, learn, fail]);

  const again = useCallback(
    async (query: OptionQuery, mayBeRefused = false): Promise<Outcome> => {
      if (id === null || index === null || key === null) return 'failed';
      const mine = (turn.current += 1);
      // Another change may have come in between; only the newest one counts.
      const counts = () => mine === turn.current;
      setBusy(key);
      try {
        const reading = await readAgain(id, index, query);
        if (!counts()) return 'overtaken';
        learn(key, reading);
        watch?.learn(index, {
          regions: reading.regions.length,
          confidence: reading.mean_confidence,
          ms: reading.ms.total,
          pages: reading.pages.length,
        });
        return 'read';
      } catch (error) {
        if (!counts()) return 'overtaken';
        const status = error instanceof RequestError ? error.status : null;
        if (mayBeRefused && status === UNPROCESSABLE) return 'refused';
        fail(key, error);
        return 'failed';
      } finally {
        if (counts()) setBusy(null);
      }
    },
    [id, index, key, watch, learn, fail],
  );

  return {
    reading: key === null ? null : (known.get(key) ?? null),
    failure: failed !== null && failed.key === key ? failed : null,
    isReading: busy !== null && busy === key,
    again,
  };
}

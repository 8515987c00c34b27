import { useCallback, useEffect, useRef, useState } from 'react';
import type { Document, JobFile } from 'sightwire/api';
import { RequestError, sentence } from '../../api/http';
import { getReading, readAgain } from '../../api/read';
import type { OptionQuery } from '../options';
import type { JobWatch } from './jobWatch';

export interface ReadingView {
  /** What was read in the file that is shown; null until it is known. */
  reading: Document | null;
  failure: { text: string; cause: string } | null;
  /** It is being read another way. */
  isReading: boolean;
  /** Reads the file again, another way. */
  again: (query: OptionQuery) => void;
}

/** So many results are at hand without asking. */
const KEPT = 30;
const GONE = 410;

/** What was read in one file of a job. */
export function useReading(watch: JobWatch | null, row: JobFile | null): ReadingView {
  const [known, setKnown] = useState<ReadonlyMap<string, Document>>(new Map());
  const [failed, setFailed] = useState<{ key: string; text: string; cause: string } | null>(null);
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
    setFailed({ key: at, text, cause });
  }, []);

  const isKnown = key !== null && known.has(key);
  useEffect(() => {
    if (id === null || index === null || key === null || !isRead || isKnown) return;
    const stop = new AbortController();
    getReading(id, index, stop.signal)
      .then((reading) => learn(key, reading))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) fail(key, error);
      });
    return () => stop.abort();
  }, [id, index, key, isRead, isKnown, learn, fail]);

  const again = useCallback(
    (query: OptionQuery) => {
      if (id === null || index === null || key === null) return;
      const mine = (turn.current += 1);
      setBusy(key);
      readAgain(id, index, query)
        .then((reading) => {
          // Another change may have come in between; only the newest one counts.
          if (mine !== turn.current) return;
          learn(key, reading);
          const { regions, ms, pages } = reading;
          const sum = regions.reduce((total, { confidence }) => total + confidence, 0);
          watch?.learn(index, {
            regions: regions.length,
            confidence: regions.length === 0 ? null : sum / regions.length,
            ms: ms.total,
            pages: pages.length,
          });
        })
        .catch((error: unknown) => {
          if (mine === turn.current) fail(key, error);
        })
        .finally(() => {
          if (mine === turn.current) setBusy(null);
        });
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

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Job } from 'sightwire/api';
import { RequestError, sentence } from '../../api/http';
import type { OptionQuery } from '../../api/read';
import type { Picked } from '../sources/pick';
import { type Sent, sendJob } from './upload';

export interface Trouble {
  title: string;
  text: string;
  cause: string;
}

/** What was not sent with files, because it is no picture. */
export interface Left {
  count: number;
  /** In words. */
  kinds: string;
}

export interface Upload {
  /** Null while nothing is sent. */
  sending: (Sent & { files: number; startedMs: number; atMs: number }) | null;
  trouble: Trouble | null;
  /** Of the files that were sent last; null once it was put away. */
  left: Left | null;
  send: (files: readonly Picked[], query: OptionQuery, left: Left) => void;
  /** The same files once more, after trouble. */
  again: () => void;
  stop: () => void;
  /** Takes a trouble of this kind into the page, or puts it away. */
  say: (trouble: Trouble | null) => void;
  putAway: () => void;
}

/** The server took them as this job. */
type Heard = (job: Job, files: readonly Picked[], query: OptionQuery) => void;

/** Sends files to the server, one job at a time; leaving the page ends it. */
export function useUpload(onJob: Heard): Upload {
  const [sending, setSending] = useState<Upload['sending']>(null);
  const [trouble, say] = useState<Trouble | null>(null);
  const [left, setLeft] = useState<Left | null>(null);
  const running = useRef<AbortController | null>(null);
  const last = useRef<[readonly Picked[], OptionQuery, Left] | null>(null);
  const heard = useRef(onJob);
  useEffect(() => {
    heard.current = onJob;
  }, [onJob]);
  useEffect(() => () => running.current?.abort(), []);

  const send = useCallback((files: readonly Picked[], query: OptionQuery, without: Left) => {
    if (files.length === 0) return;
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    last.current = [files, query, without];
    say(null);
    setLeft(without.count > 0 ? without : null);
    const startedMs = performance.now();
    const total = files.reduce((sum, { file }) => sum + file.size, 0);
    const show = (sent: Sent) => {
      if (running.current !== own) return;
      setSending({ ...sent, files: files.length, startedMs, atMs: performance.now() });
    };
    show({ bytes: 0, total });
    sendJob(files, query, show, own.signal)
      .then((job) => heard.current(job, files, query))
      .catch((error: unknown) => {
        if (!own.signal.aborted) say(uploadTrouble(error, files.length));
      })
      .finally(() => {
        if (running.current !== own) return;
        running.current = null;
        setSending(null);
      });
  }, []);
  const again = useCallback(() => {
    if (last.current !== null) send(...last.current);
  }, [send]);
  const stop = useCallback(() => running.current?.abort(), []);
  const putAway = useCallback(() => setLeft(null), []);
  return useMemo(
    () => ({ sending, trouble, left, send, again, stop, say, putAway }),
    [sending, trouble, left, send, again, stop, putAway],
  );
}

/** Why files were not taken, for a person. */
function uploadTrouble(error: unknown, files: number): Trouble {
  const cause = error instanceof Error ? error.message : String(error);
  const what = files === 1 ? 'The file was' : `The ${files} files were`;
  const status = error instanceof RequestError ? error.status : null;
  const text = sentence(error);
  switch (status) {
    case null:
      return { title: `${what} not sent`, text, cause };
    case 413:
      return { title: `${what} too large for this server`, text, cause };
    case 429:
    case 503:
      return { title: `The server cannot accept ${files === 1 ? 'it' : 'them'} now`, text, cause };
    default:
      return { title: `${what} not accepted`, text, cause };
  }
}

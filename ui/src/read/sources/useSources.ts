import { useCallback, useMemo, useRef, useState } from 'react';
import type { Job, JobFile } from 'sightwire/api';
import { sentence } from '../../api/http';
import type { Upload } from '../job/useUpload';
import { askOptions, type ReadOptions } from '../options';
import type { Preferences } from '../preferences';
import { useLatest } from '../latest';
import { leftCount, leftInWords, MOST_FILES, NOTHING, type Pick, type Picked } from './pick';
import { readBefore } from './readBefore';
import { samplePage } from './samplePage';
import { takeFrame } from './snapshot';

export interface Sources {
  take: (pick: Pick) => void;
  sample: () => void;
  /** The newest frame of a live stream. */
  frame: (stream: string) => Promise<void>;
  /** What was left out of the files that came last, because it was read before; null: nothing. */
  before: { count: number; again: () => void; putAway: () => void } | null;
}

/** The batch that is shown, and those that the server has. */
interface Batches {
  job: Job | null;
  rows: readonly JobFile[];
  jobs: readonly Job[];
}

/** Everything that brings files, and how they are sent. */
export function useSources(
  upload: Upload,
  options: ReadOptions,
  preferences: Preferences,
  usual: string | null,
  batches: Batches,
): Sources {
  const { send, say } = upload;
  const query = useMemo(
    () => ({ ...askOptions(options, usual), keep: String(preferences.keep) }),
    [options, preferences.keep, usual],
  );
  const shown = useLatest(batches);
  const [known, setKnown] = useState<readonly Picked[]>([]);
  const asking = useRef<AbortController | null>(null);
  const take = useCallback(
    ({ files, left }: Pick) => {
      setKnown([]);
      if (files.length > MOST_FILES) {
        say({
          title: `More than ${MOST_FILES.toLocaleString('en')} files`,
          text: 'That is too many for one batch. Choose fewer files, or use `sightwire read`.',
          cause: `${files.length} files were chosen`,
        });
      } else if (files.length === 0) {
        say({
          title: 'No pictures found',
          text: 'Supported: JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC, PDF, and zip archives of them.',
          cause: left.size === 0 ? 'nothing was chosen' : `left out: ${leftInWords(left)}`,
        });
      } else {
        const { job, rows, jobs } = shown();
        if (job !== null) readBefore.learn(job.id, rows);
        const isThere = (id: string) => id === job?.id || jobs.some((one) => one.id === id);
        const isKnown = (one: Picked) => readBefore.has(one, query, isThere);
        setKnown(files.filter(isKnown));
        const fresh = files.filter((one) => !isKnown(one));
        send(fresh, query, { count: leftCount(left), kinds: leftInWords(left) });
      }
    },
    [send, say, query, shown],
  );
  const sample = useCallback(() => {
    samplePage()
      .then((file) => take({ files: [{ file, name: file.name }], left: NOTHING }))
      .catch((error: unknown) =>
        say({ title: 'The sample page could not be drawn', text: '', cause: String(error) }),
      );
  }, [take, say]);
  const frame = useCallback(
    async (stream: string) => {
      asking.current?.abort();
      asking.current = new AbortController();
      try {
        const file = await takeFrame(stream, asking.current.signal);
        take({ files: [file], left: NOTHING });
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        say({ title: `No frame from ${stream}`, text: sentence(error), cause });
      }
    },
    [take, say],
  );
  const before = useMemo(() => {
    if (known.length === 0) return null;
    const putAway = () => setKnown([]);
    const again = () => {
      putAway();
      send(known, query, { count: 0, kinds: '' });
    };
    return { count: known.length, again, putAway };
  }, [known, send, query]);
  return useMemo(() => ({ take, sample, frame, before }), [take, sample, frame, before]);
}

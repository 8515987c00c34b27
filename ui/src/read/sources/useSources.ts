import { useCallback, useMemo, useRef } from 'react';
import { sentence } from '../../api/http';
import type { Upload } from '../job/useUpload';
import { askOptions, type ReadOptions } from '../options';
import type { Preferences } from '../preferences';
import { leftCount, leftInWords, MOST_FILES, NOTHING, type Pick } from './pick';
import { samplePage } from './samplePage';
import { takeFrame } from './snapshot';

export interface Sources {
  take: (pick: Pick) => void;
  sample: () => void;
  /** The newest frame of a live stream. */
  frame: (stream: string) => Promise<void>;
}

/** Everything that brings files, and how they are sent. */
export function useSources(
  upload: Upload,
  options: ReadOptions,
  preferences: Preferences,
  usual: string | null,
): Sources {
  const { send, say } = upload;
  const query = useMemo(
    () => ({ ...askOptions(options, usual), keep: String(preferences.keep) }),
    [options, preferences.keep, usual],
  );
  const asking = useRef<AbortController | null>(null);
  const take = useCallback(
    ({ files, left }: Pick) => {
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
      } else send(files, query, { count: leftCount(left), kinds: leftInWords(left) });
    },
    [send, say, query],
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
  return useMemo(() => ({ take, sample, frame }), [take, sample, frame]);
}

import { useCallback, useMemo, useState } from 'react';
import { replaceSearch, useSearch } from '../base/router';
import { rememberCamera, rememberedCamera } from './cameras';

/** What is chosen of this machine; no address holds it. */
export interface Chosen {
  /** Empty means the browser's own choice. */
  camera: string;
  file: File | null;
}

/** What a person can do with the source of a page, and what is chosen. */
export interface SourceControls<Settings> extends Chosen {
  /** What the page's address says. */
  settings: Settings;
  start: () => void;
  stop: () => void;
  chooseCamera: (id: string) => void;
  /** Changes the settings; whether something runs stays as it is. */
  change: (part: Partial<Settings>) => void;
  /** Changes the settings; what runs begins anew with them, what stands still stays still. */
  restart: (part: Partial<Settings>) => void;
  /** Changes the settings, and what is chosen, and starts. */
  startWith: (part: Partial<Settings>, choice?: Partial<Chosen>) => void;
}

interface Session<Source> {
  snapshot: () => { phase: string };
  start: (source: Source) => unknown;
  stop: () => void;
}

interface Ways<Settings, Source> {
  parse: (search: string) => Settings;
  format: (settings: Settings) => string;
  /** Null where a file would have to be chosen before. */
  makeSource: (settings: Settings, chosen: Chosen) => Source | null;
}

/** The source of a page that sends this machine's pictures. */
export function useSource<Settings, Source>(
  session: Session<Source>,
  { parse, format, makeSource }: Ways<Settings, Source>,
): SourceControls<Settings> {
  const search = useSearch();
  const settings = useMemo(() => parse(search), [parse, search]);
  const [chosen, setChosen] = useState<Chosen>(() => ({ camera: rememberedCamera(), file: null }));

  const begin = useCallback(
    (next: Settings, from: Chosen) => {
      const source = makeSource(next, from);
      if (source === null) session.stop();
      else void session.start(source);
    },
    [session, makeSource],
  );

  return useMemo(() => {
    const put = (part: Partial<Settings>): Settings => {
      const next = { ...settings, ...part };
      replaceSearch(format(next));
      return next;
    };
    return {
      settings,
      ...chosen,
      start: () => begin(settings, chosen),
      stop: () => session.stop(),
      chooseCamera: (camera) => {
        rememberCamera(camera);
        const now = { ...chosen, camera };
        setChosen(now);
        if (isRunning(session.snapshot())) begin(settings, now);
      },
      change: (part) => void put(part),
      restart: (part) => {
        const next = put(part);
        if (isRunning(session.snapshot())) begin(next, chosen);
        else session.stop();
      },
      startWith: (part, choice = {}) => {
        const now = { ...chosen, ...choice };
        setChosen(now);
        begin(put(part), now);
      },
    };
  }, [session, format, settings, chosen, begin]);
}

/** Whether there is something to stop: it runs, is about to, or waits. */
export function isRunning({ phase }: { phase: string }): boolean {
  return phase !== 'idle' && phase !== 'problem';
}

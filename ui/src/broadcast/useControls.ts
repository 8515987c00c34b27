import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { replaceSearch, useSearch } from '../app/router';
import { rememberCamera, rememberedCamera } from '../recognise/sources/camera';
import { suggestedName } from './name';
import type { Session } from './session';
import {
  formatSettings,
  FPS,
  parseSettings,
  QUALITY,
  type Settings,
  type SourceKind,
  WIDTH,
} from './settings';
import { CameraSource } from './sources/camera';
import { FileSource } from './sources/file';
import { ScreenSource } from './sources/screen';
import type { Source } from './sources/source';
import { TestPicture } from './sources/testPicture';

/** What a person can do on the page, and what is chosen. The address holds all but file and camera. */
export interface Controls {
  settings: Settings;
  /** The stream's name, chosen or made up. */
  name: string;
  camera: string;
  file: File | null;
  start: () => void;
  stop: () => void;
  chooseKind: (kind: SourceKind) => void;
  chooseCamera: (id: string) => void;
  chooseFile: (file: File) => void;
  tryTest: () => void;
  change: (part: Partial<Settings>) => void;
}

interface Chosen {
  camera: string;
  file: File | null;
}

export function useControls(session: Session): Controls {
  const search = useSearch();
  const settings = useMemo(() => parseSettings(search), [search]);
  const [suggested] = useState(suggestedName);
  const [camera, setCamera] = useState(rememberedCamera);
  const [file, setFile] = useState<File | null>(null);
  const name = settings.name ?? suggested;
  const shown = useRef(name);

  const { mode } = settings;
  const fps = settings.fps ?? FPS.usual;
  const quality = settings.quality ?? QUALITY.usual;
  const widthPx = settings.widthPx ?? WIDTH.usual;
  useEffect(() => {
    shown.current = name;
    session.tune({ stream: name, mode, fps, quality: quality / 100, maxWidthPx: widthPx });
  }, [session, name, mode, fps, quality, widthPx]);

  /** Starts what these settings say. A file must have been chosen before. */
  const begin = useCallback(
    (next: Settings, from: Chosen) => {
      const width = next.widthPx ?? WIDTH.usual;
      const source = makeSource(next.source, from, width, () => shown.current);
      if (source === null) session.stop();
      else void session.start(source);
    },
    [session],
  );

  // A link to the test picture may start it; a link never switches a camera on. It does so once, and
  // not for whoever gets the address later.
  const first = useRef(settings);
  useEffect(() => {
    const asked = new URLSearchParams(location.search).has('start');
    if (!asked) return;
    replaceSearch(formatSettings(first.current));
    if (first.current.source === 'test') begin(first.current, { camera: '', file: null });
  }, [begin]);

  return useMemo(() => {
    const own = { camera, file };
    const put = (change: Partial<Settings>): Settings => {
      const next = { ...settings, ...change };
      replaceSearch(formatSettings(next));
      return next;
    };
    const isRunning = () => ['opening', 'on'].includes(session.snapshot().phase);
    return {
      settings,
      name,
      camera,
      file,
      start: () => begin(settings, own),
      stop: () => session.stop(),
      // What runs goes on with the new source; what stands still stays still.
      chooseKind: (source) => {
        const next = put({ source });
        if (isRunning()) begin(next, own);
        else session.stop();
      },
      chooseCamera: (id) => {
        setCamera(id);
        rememberCamera(id);
        if (isRunning()) begin(settings, { camera: id, file });
      },
      chooseFile: (chosen) => {
        setFile(chosen);
        begin(put({ source: 'file' }), { camera, file: chosen });
      },
      tryTest: () => begin(put({ source: 'test' }), own),
      change: (part) => void put(part),
    };
  }, [session, settings, name, camera, file, begin]);
}

function makeSource(
  kind: SourceKind,
  { camera, file }: Chosen,
  widthPx: number,
  name: () => string,
): Source | null {
  switch (kind) {
    case 'camera':
      return new CameraSource(camera, widthPx);
    case 'screen':
      return new ScreenSource();
    case 'file':
      return file === null ? null : new FileSource(file);
    case 'test':
      return new TestPicture(name, widthPx);
  }
}

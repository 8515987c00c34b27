import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { replaceSearch, useSearch } from '../app/router';
import {
  formatSettings,
  mirrored,
  parseSettings,
  type Settings,
  type SourceKind,
  type Top,
} from './logic/settings';
import type { Session } from './session';
import { CameraSource, rememberCamera, rememberedCamera } from './sources/camera';
import { FileSource } from './sources/file';
import { SampleSource } from './sources/sample';
import { takeCameraAsked } from './startCamera';

/** What a person can do on the page, and what is chosen. The address holds all but file and camera. */
export interface Controls {
  settings: Settings;
  mirror: boolean;
  camera: string;
  file: File | null;
  start: () => void;
  stop: () => void;
  chooseKind: (kind: SourceKind) => void;
  chooseCamera: (id: string) => void;
  chooseFile: (file: File) => void;
  chooseGesture: (gesture: string) => void;
  anotherClip: () => void;
  trySample: () => void;
  setThreshold: (threshold: number | null) => void;
  setMirror: (mirror: boolean) => void;
  setTop: (top: Top | null) => void;
  setSteady: (steady: number | null) => void;
  setRest: (rest: boolean) => void;
}

export function useControls(session: Session): Controls {
  const search = useSearch();
  const settings = useMemo(() => parseSettings(search), [search]);
  const [camera, setCamera] = useState(rememberedCamera);
  const [file, setFile] = useState<File | null>(null);
  const mirror = mirrored(settings);

  useEffect(() => session.setMirror(mirror), [session, mirror]);
  useEffect(() => session.setThreshold(settings.threshold), [session, settings.threshold]);

  /** Starts what these settings say. A file must have been chosen before. */
  const begin = useCallback(
    (next: Settings, from: { camera: string; file: File | null }) => {
      if (next.source === 'camera') session.start(new CameraSource(from.camera));
      else if (next.source === 'sample') session.start(new SampleSource(next.gesture, next.seed));
      else if (from.file !== null) session.start(new FileSource(from.file));
      else session.stop();
    },
    [session],
  );

  // A link to a clip plays it at once; a link never switches a camera on, but a click on a button for it does.
  const first = useRef(settings);
  useEffect(() => {
    const { source } = first.current;
    const isAsked = takeCameraAsked();
    if (source === 'sample' || (source === 'camera' && isAsked)) {
      begin(first.current, { camera: rememberedCamera(), file: null });
    }
  }, [begin]);

  return useMemo(() => {
    const own = { camera, file };
    const put = (change: Partial<Settings>): Settings => {
      const next = { ...settings, ...change };
      replaceSearch(formatSettings(next));
      return next;
    };
    /** Changes the settings; what runs goes on with them, what stands still stays still. */
    const change = (part: Partial<Settings>) => {
      const next = put(part);
      const { phase } = session.snapshot();
      if (phase === 'running' || phase === 'starting') begin(next, own);
      else if (phase === 'problem') session.stop();
    };
    const isRunning = () => !['idle', 'problem'].includes(session.snapshot().phase);
    return {
      settings,
      mirror,
      camera,
      file,
      start: () => begin(settings, own),
      stop: () => session.stop(),
      // A mirror that was set by hand belongs to the source it was set for.
      chooseKind: (source) => change({ source, mirror: null }),
      chooseCamera: (id) => {
        setCamera(id);
        rememberCamera(id);
        if (isRunning()) begin(settings, { camera: id, file });
      },
      chooseFile: (chosen) => {
        setFile(chosen);
        begin(put({ source: 'file', mirror: null }), { camera, file: chosen });
      },
      chooseGesture: (gesture) => change({ gesture }),
      anotherClip: () => change({ seed: settings.seed + 1 }),
      trySample: () => begin(put({ source: 'sample', mirror: null }), own),
      setThreshold: (threshold) => void put({ threshold }),
      setMirror: (next) =>
        void put({ mirror: next === mirrored({ ...settings, mirror: null }) ? null : next }),
      setTop: (top) => void put({ top }),
      setSteady: (steady) => void put({ steady }),
      setRest: (rest) => void put({ rest }),
    };
  }, [session, settings, mirror, camera, file, begin]);
}

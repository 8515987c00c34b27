import { useEffect, useMemo, useRef } from 'react';
import { PlayedFile } from '../capture/playedFile';
import { type Chosen, type SourceControls, useSource } from '../capture/useSource';
import {
  formatSettings,
  mirrored,
  parseSettings,
  type Settings,
  type SourceKind,
  type Top,
} from './logic/settings';
import type { Session } from './session';
import { CameraSource } from './sources/camera';
import { SampleSource } from './sources/sample';
import type { Source } from './sources/source';
import { takeCameraAsked } from './startCamera';

/** What a person can do on the page, and what is chosen. The address holds all but file and camera. */
export interface Controls extends SourceControls<Settings> {
  mirror: boolean;
  chooseKind: (kind: SourceKind) => void;
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

const WAYS = { parse: parseSettings, format: formatSettings, makeSource };

export function useControls(session: Session): Controls {
  const source = useSource(session, WAYS);
  const { settings } = source;
  const mirror = mirrored(settings);

  useEffect(() => session.setMirror(mirror), [session, mirror]);
  useEffect(() => session.setThreshold(settings.threshold), [session, settings.threshold]);

  // A link to a clip plays it at once; a link never switches a camera on, but a click on a button for it does.
  const first = useRef(source);
  useEffect(() => {
    const { settings, start } = first.current;
    const isAsked = takeCameraAsked();
    if (settings.source === 'sample' || (settings.source === 'camera' && isAsked)) start();
  }, []);

  return useMemo(() => {
    const { change, restart, startWith } = source;
    return {
      ...source,
      mirror,
      // A mirror that was set by hand belongs to the source it was set for.
      chooseKind: (kind) => restart({ source: kind, mirror: null }),
      chooseFile: (file) => startWith({ source: 'file', mirror: null }, { file }),
      chooseGesture: (gesture) => restart({ gesture }),
      anotherClip: () => restart({ seed: settings.seed + 1 }),
      trySample: () => startWith({ source: 'sample', mirror: null }),
      setThreshold: (threshold) => change({ threshold }),
      setMirror: (next) =>
        change({ mirror: next === mirrored({ ...settings, mirror: null }) ? null : next }),
      setTop: (top) => change({ top }),
      setSteady: (steady) => change({ steady }),
      setRest: (rest) => change({ rest }),
    };
  }, [source, settings, mirror]);
}

function makeSource({ source, gesture, seed }: Settings, { camera, file }: Chosen): Source | null {
  switch (source) {
    case 'camera':
      return new CameraSource(camera);
    case 'file':
      return file === null ? null : new PlayedFile(file);
    case 'sample':
      return new SampleSource(gesture, seed);
  }
}

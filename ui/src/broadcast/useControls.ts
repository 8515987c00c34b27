import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { replaceSearch } from '../base/router';
import { type Chosen, type SourceControls, useSource } from '../capture/useSource';
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
export interface Controls extends SourceControls<Settings> {
  /** The stream's name, chosen or made up. */
  name: string;
  chooseKind: (kind: SourceKind) => void;
  chooseFile: (file: File) => void;
  tryTest: () => void;
}

export function useControls(session: Session): Controls {
  const [suggested] = useState(suggestedName);
  const shown = useRef(suggested);
  const make = useCallback(
    (settings: Settings, chosen: Chosen) => makeSource(settings, chosen, () => shown.current),
    [],
  );
  const source = useSource(session, {
    parse: parseSettings,
    format: formatSettings,
    makeSource: make,
  });
  const { settings } = source;
  const name = settings.name ?? suggested;

  const { mode } = settings;
  const fps = settings.fps ?? FPS.usual;
  const quality = settings.quality ?? QUALITY.usual;
  const widthPx = settings.widthPx ?? WIDTH.usual;
  useEffect(() => {
    shown.current = name;
    session.tune({ stream: name, mode, fps, quality: quality / 100, maxWidthPx: widthPx });
  }, [session, name, mode, fps, quality, widthPx]);

  // A link to the test picture may start it; a link never switches a camera on. It does so once, and
  // not for whoever gets the address later.
  const first = useRef(source);
  useEffect(() => {
    const { settings, start } = first.current;
    const asked = new URLSearchParams(location.search).has('start');
    if (!asked) return;
    replaceSearch(formatSettings(settings));
    if (settings.source === 'test') start();
  }, []);

  return useMemo(() => {
    const { restart, startWith } = source;
    return {
      ...source,
      name,
      chooseKind: (kind) => restart({ source: kind }),
      chooseFile: (file) => startWith({ source: 'file' }, { file }),
      tryTest: () => startWith({ source: 'test' }),
    };
  }, [source, name]);
}

function makeSource(
  { source, widthPx }: Settings,
  { camera, file }: Chosen,
  name: () => string,
): Source | null {
  const width = widthPx ?? WIDTH.usual;
  switch (source) {
    case 'camera':
      return new CameraSource(camera, width);
    case 'screen':
      return new ScreenSource();
    case 'file':
      return file === null ? null : new FileSource(file);
    case 'test':
      return new TestPicture(name, width);
  }
}

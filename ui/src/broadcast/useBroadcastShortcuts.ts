import { useMemo } from 'react';
import { useShortcuts } from '../base/shortcuts';
import { FPS, QUALITY, stepped, WIDTH } from './settings';
import type { Controls } from './useControls';

interface More {
  running: boolean;
  begin: () => void;
  openFiles: () => void;
  editName: () => void;
  toWall: () => void;
  retryNow: () => void;
  copyLink: () => void;
}

/** Every action of the page has a key. */
export function useBroadcastShortcuts(controls: Controls, more: More): void {
  const { running, begin, openFiles, editName, toWall, retryNow, copyLink } = more;
  const shortcuts = useMemo(() => {
    const { settings, change } = controls;
    const { fps, quality, widthPx } = settings;
    return [
      { key: 's', what: 'Start or stop', run: () => (running ? controls.stop() : begin()) },
      { key: 'c', what: 'Source: camera', run: () => controls.chooseKind('camera') },
      { key: 'd', what: 'Source: screen', run: () => controls.chooseKind('screen') },
      { key: 'f', what: 'Source: video file', run: openFiles },
      { key: 'p', what: 'Source: test pattern', run: () => controls.chooseKind('test') },
      { key: 'n', what: 'Change the name', run: editName },
      {
        key: 'm',
        what: 'Analysis: normal or enhanced',
        run: () => change({ mode: settings.mode === 'normal' ? 'enhanced' : 'normal' }),
      },
      {
        key: '>',
        what: 'Higher frame rate',
        run: () => change({ fps: stepped(fps, FPS, 1) }),
      },
      {
        key: '<',
        what: 'Lower frame rate',
        run: () => change({ fps: stepped(fps, FPS, -1) }),
      },
      {
        key: '+',
        what: 'Quality up',
        run: () => change({ quality: stepped(quality, QUALITY, 1) }),
      },
      {
        key: '-',
        what: 'Quality down',
        run: () => change({ quality: stepped(quality, QUALITY, -1) }),
      },
      { key: ']', what: 'Wider', run: () => change({ widthPx: stepped(widthPx, WIDTH, 1) }) },
      { key: '[', what: 'Narrower', run: () => change({ widthPx: stepped(widthPx, WIDTH, -1) }) },
      {
        key: 'v',
        what: 'Preview on or off',
        run: () => change({ preview: !settings.preview }),
      },
      { key: 'w', what: 'Open on the Wall', run: toWall },
      { key: 'r', what: 'Reconnect now', run: retryNow },
      { key: 'l', what: 'Copy the link to this page', run: copyLink },
    ];
  }, [controls, running, begin, openFiles, editName, toWall, retryNow, copyLink]);
  useShortcuts('Broadcast', shortcuts);
}

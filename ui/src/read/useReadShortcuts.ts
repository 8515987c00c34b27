import { useMemo } from 'react';
import { type Shortcut, useShortcuts } from '../base/shortcuts';
import { useLatest } from './latest';

export interface ReadActions {
  files: () => void;
  folder: () => void;
  stream: () => void;
  sample: () => void;
  walkFiles: (by: number) => void;
  walkLines: (by: number) => void;
  openLine: () => void;
  copyLine: () => void;
  copyAll: () => void;
  larger: () => void;
  smaller: () => void;
  fit: () => void;
  full: () => void;
  outlines: () => void;
  texts: () => void;
  compare: () => void;
  settings: () => void;
  findText: () => void;
  findFile: () => void;
}

/** Those that bring files. */
type Bringing = Pick<ReadActions, 'files' | 'folder' | 'stream' | 'sample'>;

const NOTHING = () => undefined;

/** Every action of the page has a key. */
export function useReadShortcuts(actions: ReadActions): void {
  const now = useLatest(actions);
  const shortcuts = useMemo((): Shortcut[] => {
    return [
      ...bringing(now),
      { key: 'n', what: 'Next file', run: () => now().walkFiles(1) },
      { key: 'p', what: 'Previous file', run: () => now().walkFiles(-1) },
      { key: 'j', what: 'Next line', run: () => now().walkLines(1) },
      { key: 'k', what: 'Previous line', run: () => now().walkLines(-1) },
      { key: 'z', what: 'Zoom to the selected line', run: () => now().openLine() },
      { key: 'c', what: 'Copy the selected line', run: () => now().copyLine() },
      { key: 'a', what: 'Copy all lines', run: () => now().copyAll() },
      { key: '+', what: 'Zoom in', run: () => now().larger() },
      { key: '-', what: 'Zoom out', run: () => now().smaller() },
      { key: '0', what: 'Fit the picture', run: () => now().fit() },
      { key: '9', what: 'Zoom to 100 %', run: () => now().full() },
      {
        key: '← → ↑ ↓',
        what: 'Move the picture, or a corner of its page, when it has the focus',
        run: NOTHING,
      },
      { key: 'x', what: 'Outlines on or off', run: () => now().outlines() },
      { key: 'w', what: 'Texts on the picture on or off', run: () => now().texts() },
      { key: 'b', what: 'Compare before and after preprocessing', run: () => now().compare() },
      { key: ',', what: 'Settings or text', run: () => now().settings() },
      { key: '/', what: 'Find in this text', run: () => now().findText() },
      { key: 'f', what: 'Find a file', run: () => now().findFile() },
    ];
  }, [now]);
  useShortcuts('Read text', shortcuts);
}

/** Those that work before there is anything to look at. */
export function useEmptyShortcuts(isEmpty: boolean, actions: Bringing): void {
  const now = useLatest(actions);
  const shortcuts = useMemo(() => (isEmpty ? bringing(now) : []), [isEmpty, now]);
  useShortcuts('Read text', shortcuts);
}

function bringing(now: () => Bringing): Shortcut[] {
  return [
    { key: 'o', what: 'Choose files', run: () => now().files() },
    { key: 'd', what: 'Choose a folder', run: () => now().folder() },
    { key: 'l', what: 'Read from a stream', run: () => now().stream() },
    { key: 's', what: 'Read a sample page', run: () => now().sample() },
    // The browser hears this one itself; here it stands for the list.
    { key: 'Ctrl V', what: 'Read a pasted picture', run: NOTHING },
  ];
}

import { type RefObject, useCallback, useRef } from 'react';

interface Controls {
  settings: { source: string };
  file: File | null;
  start: () => void;
}

interface FileDialog {
  /** For `VideoInput`. */
  field: RefObject<HTMLInputElement | null>;
  openFiles: () => void;
  /** Starts the source, or asks for the file that it would need. */
  begin: () => void;
}

/** The browser's dialog for a video file. */
export function useFileDialog({ settings: { source }, file, start }: Controls): FileDialog {
  const field = useRef<HTMLInputElement>(null);
  const openFiles = useCallback(() => field.current?.click(), []);
  const begin = useCallback(() => {
    if (source === 'file' && file === null) openFiles();
    else start();
  }, [source, file, start, openFiles]);
  return { field, openFiles, begin };
}

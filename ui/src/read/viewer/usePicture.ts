import { useEffect, useState } from 'react';
import { RequestError } from '../../api/http';
import { type Loaded, loadPicture } from './pictureStore';

export interface PictureView {
  /** `none`: not asked for. `let-go`: the server keeps the pictures of the last files only. */
  phase: 'none' | 'loading' | 'there' | 'let-go' | 'failed';
  loaded: Loaded | null;
  cause: string | null;
}

const NONE: PictureView = { phase: 'none', loaded: null, cause: null };
const LOADING: PictureView = { phase: 'loading', loaded: null, cause: null };
const GONE = 410;

/** The picture at this path; null asks for none. */
export function usePicture(path: string | null): PictureView {
  const [view, setView] = useState<{ path: string; view: PictureView } | null>(null);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    loadPicture(path, stop.signal)
      .then((loaded) => setView({ path, view: { phase: 'there', loaded, cause: null } }))
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        const gone = error instanceof RequestError && error.status === GONE;
        const cause = error instanceof Error ? error.message : String(error);
        setView({ path, view: { phase: gone ? 'let-go' : 'failed', loaded: null, cause } });
      });
    return () => stop.abort();
  }, [path]);
  if (path === null) return NONE;
  return view?.path === path ? view.view : LOADING;
}

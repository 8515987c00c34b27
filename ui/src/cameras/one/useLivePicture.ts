import { useEffect, useState, useSyncExternalStore } from 'react';
import { LivePicture, type LiveView } from '../pictures/livePicture';

/** The stream of this address, for as long as the page is there. */
export function useLivePicture(path: string | null): [LivePicture, LiveView] {
  const [picture] = useState(() => new LivePicture());
  useEffect(() => {
    if (path !== null) picture.play(path);
  }, [picture, path]);
  useEffect(() => () => picture.stop(), [picture]);
  return [picture, useSyncExternalStore(picture.subscribe, picture.snapshot)];
}

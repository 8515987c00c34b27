import { useEffect, useState, useSyncExternalStore } from 'react';
import { DetectionFeed, type FeedView } from './detectionFeed';

/** Hears of what is found from this address; null: of nothing. */
export function useDetections(path: string | null): [DetectionFeed, FeedView] {
  const [feed] = useState(() => new DetectionFeed());
  useEffect(() => feed.listen(path), [feed, path]);
  useEffect(() => () => feed.stop(), [feed]);
  return [feed, useSyncExternalStore(feed.subscribe, feed.snapshot)];
}

import { useCallback, useMemo } from 'react';
import { replaceSearch, useSearch } from '../base/router';
import { formatSettings, parseSettings, type WallSettings } from './settings';

/** What is chosen on the page, kept in its address. */
export function useWallSettings(): [WallSettings, (change: Partial<WallSettings>) => void] {
  const search = useSearch();
  const settings = useMemo(() => parseSettings(search), [search]);
  const change = useCallback((part: Partial<WallSettings>) => {
    replaceSearch(formatSettings({ ...parseSettings(location.search), ...part }));
  }, []);
  return [settings, change];
}

import { useCallback, useMemo } from 'react';
import { replaceSearch, useSearch } from '../../base/router';
import { formatSettings, parseSettings, type Settings } from './settings';

/** What is chosen on the page, kept in its address. */
export function useSettings(): [Settings, (change: Partial<Settings>) => void] {
  const search = useSearch();
  const settings = useMemo(() => parseSettings(search), [search]);
  const change = useCallback((part: Partial<Settings>) => {
    replaceSearch(formatSettings({ ...parseSettings(location.search), ...part }));
  }, []);
  return [settings, change];
}

import { useCallback, useMemo } from 'react';
import { replaceSearch, useSearch } from '../base/router';
import { formatSettings, type HealthSettings, parseSettings } from './settings';

/** What is chosen on the page, kept in its address. */
export function useSettings(): [HealthSettings, (change: Partial<HealthSettings>) => void] {
  const search = useSearch();
  const settings = useMemo(() => parseSettings(search), [search]);
  const change = useCallback((part: Partial<HealthSettings>) => {
    replaceSearch(formatSettings({ ...parseSettings(location.search), ...part }));
  }, []);
  return [settings, change];
}

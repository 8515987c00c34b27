import { useCallback, useEffect, useMemo } from 'react';
import { navigate, replaceSearch, useSearch } from '../base/router';
import { type Address, formatAddress, parseAddress } from './address';
import { preferences, setPreferences } from './usePreferences';
import { within } from '../base/basePath';

export interface AddressControl {
  change: (part: Partial<Address>) => void;
  /** With a step in the history: Back leads to what was shown before. */
  visit: (part: Partial<Address>) => void;
}

/** What is chosen on the page, kept in its address. */
export function useAddress(): [Address, AddressControl] {
  const search = useSearch();
  const address = useMemo(() => parseAddress(search), [search]);
  const change = useCallback((part: Partial<Address>) => {
    const next = { ...parseAddress(location.search), ...part };
    if (part.options !== undefined) setPreferences({ options: part.options });
    replaceSearch(formatAddress(next));
  }, []);
  const visit = useCallback((part: Partial<Address>) => {
    const next = formatAddress({ ...parseAddress(location.search), ...part });
    if (next !== location.search) navigate(within(location.pathname) + next);
  }, []);
  // An address without anything in it is not a shared view: then this browser's own choice holds.
  useEffect(() => {
    const search = new URLSearchParams(location.search);
    search.delete('stream');
    search.delete('sample');
    if (search.size === 0) change({ options: preferences().options });
  }, [change]);
  return [address, useMemo(() => ({ change, visit }), [change, visit])];
}

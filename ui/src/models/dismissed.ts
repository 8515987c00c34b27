import { useState } from 'react';
import { keep, kept } from '../base/storage';

const KEY = 'sightwire.offers-dismissed';

/** Names of the models whose offer this browser has put aside. */
function dismissed(): readonly string[] {
  return (kept(KEY) ?? '').split('\n').filter((name) => name !== '');
}

/** Whether the offer of this model was put aside in this browser, and what changes that. */
export function useDismissed(model: string): [boolean, (away: boolean) => void] {
  const [away, setAway] = useState(() => dismissed().includes(model));
  const put = (next: boolean) => {
    setAway(next);
    const others = dismissed().filter((name) => name !== model);
    keep(KEY, (next ? [...others, model] : others).join('\n'));
  };
  return [away, put];
}

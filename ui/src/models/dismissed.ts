import { useState } from 'react';

const KEY = 'sightwire.offers-dismissed';

/** Names of the models whose offer this browser has put aside. */
function dismissed(): readonly string[] {
  try {
    return (localStorage.getItem(KEY) ?? '').split('\n').filter((name) => name !== '');
  } catch {
    return [];
  }
}

function remember(names: readonly string[]): void {
  try {
    localStorage.setItem(KEY, names.join('\n'));
  } catch {
    // Without storage it lasts as long as the page.
  }
}

/** Whether the offer of this model was put aside in this browser, and what changes that. */
export function useDismissed(model: string): [boolean, (away: boolean) => void] {
  const [away, setAway] = useState(() => dismissed().includes(model));
  const put = (next: boolean) => {
    setAway(next);
    const others = dismissed().filter((name) => name !== model);
    remember(next ? [...others, model] : others);
  };
  return [away, put];
}

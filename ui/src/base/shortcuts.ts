import { useEffect, useSyncExternalStore } from 'react';
import { keep, kept } from './storage';

export interface Shortcut {
  /** The character that the key makes, such as `s` or `?`. */
  key: string;
  what: string;
  run: () => void;
}

export interface ShortcutGroup {
  title: string;
  shortcuts: readonly Shortcut[];
}

const OFF_KEY = 'sightwire.shortcuts';
const groups = new Set<ShortcutGroup>();
const listeners = new Set<() => void>();
let listed: readonly ShortcutGroup[] = [];
let enabled = kept(OFF_KEY) !== 'off';

function changed(): void {
  const byTitle = Map.groupBy(groups, (group) => group.title);
  listed = [...byTitle].map(([title, parts]) => ({
    title,
    shortcuts: parts.flatMap((part) => part.shortcuts),
  }));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether a key press is meant for the page, not for a field, a dialog or the browser. */
export function isForPage(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target as Element | null;
  return (
    target?.closest('input:not([type=radio], [type=checkbox]), textarea, select, [role=dialog]') ==
    null
  );
}

function onKey(event: KeyboardEvent): void {
  if (!isForPage(event)) return;
  for (const group of groups) {
    for (const shortcut of group.shortcuts) {
      if (shortcut.key !== event.key || (!enabled && shortcut.key !== '?')) continue;
      event.preventDefault();
      shortcut.run();
      return;
    }
  }
}

/** Offers shortcuts for as long as the component is there. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    const group = { title, shortcuts };
    if (groups.size === 0) document.addEventListener('keydown', onKey);
    groups.add(group);
    changed();
    return () => {
      groups.delete(group);
      if (groups.size === 0) document.removeEventListener('keydown', onKey);
      changed();
    };
  }, [title, shortcuts]);
}

/** All shortcuts that work now, for the list behind `?`. */
export function useShortcutList(): readonly ShortcutGroup[] {
  return useSyncExternalStore(subscribe, () => listed);
}

/** Single keys can get in the way of speech input, so a person may switch them off. */
export function useShortcutsEnabled(): [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(subscribe, () => enabled);
  return [on, setEnabled];
}

function setEnabled(on: boolean): void {
  enabled = on;
  keep(OFF_KEY, on ? null : 'off');
  changed();
}

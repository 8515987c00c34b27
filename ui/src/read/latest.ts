import { useEffect, useState } from 'react';

/** Holds what was newest at the last render, for those who come later: keys, timers. */
class Latest<T> {
  constructor(private value: T) {}

  readonly get = (): T => this.value;

  set(value: T): void {
    this.value = value;
  }
}

/** A function that stays the same and gives the newest value. */
export function useLatest<T>(value: T): () => T {
  const [latest] = useState(() => new Latest(value));
  useEffect(() => latest.set(value));
  return latest.get;
}

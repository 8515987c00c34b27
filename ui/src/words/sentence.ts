/** Older words go when there are more. */
export const MOST_WORDS = 500;

export interface Word {
  /** Counts up for as long as the page lives; no two words share one. */
  id: number;
  text: string;
}

export interface SentenceView {
  words: readonly Word[];
  /** How many words went because there were too many. */
  dropped: number;
  /** What Undo would bring back, or take away. */
  undo: { kind: 'bring back' | 'take back'; words: readonly Word[] } | null;
  /** The newest thing that a person did or that was recognised, for whoever cannot see it. */
  last: Change;
}

export type Change =
  | { kind: 'nothing' }
  | { kind: 'added'; words: readonly Word[] }
  | { kind: 'taken back' | 'brought back' | 'cleared'; words: readonly Word[] };

const EMPTY: SentenceView = { words: [], dropped: 0, undo: null, last: { kind: 'nothing' } };

/** The words that were recognised, in order; to be read with `useSyncExternalStore`. */
export class Sentence {
  private view: SentenceView = EMPTY;
  private cleared: Pick<SentenceView, 'words' | 'dropped'> | null = null;
  private nextId = 1;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly most = MOST_WORDS) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): SentenceView => this.view;

  add(text: string): void {
    const word = { id: this.nextId++, text };
    this.cleared = null;
    const all = [...this.view.words, word];
    const over = Math.max(0, all.length - this.most);
    this.show(all.slice(over), this.view.dropped + over, { kind: 'added', words: [word] });
  }

  /** Takes the last word back; right after clearing, brings the words back. */
  undo(): void {
    const { words, dropped } = this.view;
    if (this.cleared !== null) {
      const back = this.cleared;
      this.cleared = null;
      this.show(back.words, back.dropped, { kind: 'brought back', words: back.words });
    } else if (words.length > 0) {
      this.show(words.slice(0, -1), dropped, { kind: 'taken back', words: words.slice(-1) });
    }
  }

  clear(): void {
    const { words, dropped } = this.view;
    if (words.length === 0) return;
    this.cleared = { words, dropped };
    this.show([], 0, { kind: 'cleared', words });
  }

  private show(words: readonly Word[], dropped: number, last: Change): void {
    const undo =
      this.cleared !== null
        ? { kind: 'bring back' as const, words: this.cleared.words }
        : words.length > 0
          ? { kind: 'take back' as const, words: words.slice(-1) }
          : null;
    this.view = { words, dropped, undo, last };
    for (const listener of this.listeners) listener();
  }
}

/** What is copied and read out. */
export function sentenceText(words: readonly Word[]): string {
  return words.map((word) => word.text).join(' ');
}

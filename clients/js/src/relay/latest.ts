import type { Picture } from './wire.js';

/**
 * The newest pictures for one reader: of each stream at most one waits, so whoever is too slow skips
 * pictures and is never behind. Streams take turns.
 */
export class Latest implements AsyncIterableIterator<Picture> {
  readonly #onReturn: () => void;
  /** Of each stream; the one that has waited longest first. */
  readonly #waiting = new Map<string, Picture>();
  readonly #readers: ((result: IteratorResult<Picture>) => void)[] = [];
  #ended = false;

  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  put(picture: Picture): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#waiting.set(picture.stream, picture);
    else reader({ done: false, value: picture });
  }

  /** There will be no more pictures; those that wait are old by now. */
  end(): void {
    this.#ended = true;
    this.#waiting.clear();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<Picture>> {
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    const [picture] = this.#waiting.values();
    if (picture === undefined) return new Promise((done) => this.#readers.push(done));
    this.#waiting.delete(picture.stream);
    return Promise.resolve({ done: false, value: picture });
  }

  return(): Promise<IteratorResult<Picture>> {
    this.end();
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

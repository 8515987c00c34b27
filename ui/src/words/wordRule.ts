/** When predictions become a word. Counted in predictions, because a busy server makes fewer. */
export interface Rule {
  /** This many equal ones in a row make a word. */
  hold: number;
  /** After this many other ones in a row the same word may come again. */
  release: number;
}

/** At 25 predictions a second a third of a second: longer than a flicker, shorter than a sign. */
export const USUAL_HOLD = 8;

/** A pause without predictions (a busy network, a hidden page) starts the count anew. */
const PAUSE_MS = 1000;
/** Only a long one ends the word that lasted before it. */
const LONG_PAUSE_MS = 5000;

/** The rule for a `hold`: what is quick to take a word is quick to let go of it. */
export function ruleFor(hold: number): Rule {
  return { hold, release: Math.max(1, Math.ceil(hold / 2)) };
}

/**
 * Makes words of predictions. A label becomes a word when it has come `hold` times in a row; a
 * single other prediction in between starts the count anew. While it lasts it stays one word,
 * through flickers shorter than `release`.
 */
export class WordRule {
  private candidate: string | null = null;
  private run = 0;
  /** The word that lasts. */
  private held: string | null = null;
  private away = 0;
  private lastMs = -Infinity;

  /** Takes the next prediction, with null for “nothing”. The word, if this makes one. */
  take(label: string | null, atMs: number, rule: Rule): string | null {
    const pauseMs = atMs - this.lastMs;
    this.lastMs = atMs;
    if (pauseMs > PAUSE_MS) this.candidate = null;
    if (pauseMs > LONG_PAUSE_MS) this.held = null;
    if (label !== null && label === this.held) {
      this.away = 0;
      this.candidate = null;
      return null;
    }
    this.away += 1;
    if (this.away >= rule.release) this.held = null;
    this.run = label === this.candidate ? this.run + 1 : 1;
    this.candidate = label;
    if (label === null || this.run < rule.hold) return null;
    this.held = label;
    this.away = 0;
    this.candidate = null;
    return label;
  }

  reset(): void {
    this.candidate = null;
    this.held = null;
    this.away = 0;
  }
}

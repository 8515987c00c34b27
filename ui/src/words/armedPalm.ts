import type { HandSight } from 'sightwire/api';

const PALM = 'open_palm';

/** Keeps the palm that arms a hand from becoming a word: it is one only if no motion follows while it is armed. */
export class ArmedPalm {
  private waiting = false;

  /** Takes a result, and the word that it makes, if any; what is to be added now. */
  take(word: string | null, sight: HandSight | null): readonly string[] {
    const armed = sight?.hands.some((hand) => hand.arming > 0) ?? false;
    if ((sight?.motion ?? null) !== null) this.waiting = false;
    const meant = this.waiting && (!armed || word !== null) ? [PALM] : [];
    if (meant.length > 0) this.waiting = false;
    if (word === PALM && armed) {
      this.waiting = true;
      return meant;
    }
    return word === null ? meant : [...meant, word];
  }

  reset(): void {
    this.waiting = false;
  }
}

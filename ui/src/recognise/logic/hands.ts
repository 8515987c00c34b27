import type { HandHint, HandSight } from 'sightwire/api';

/** What the hands in the picture are doing, and what is to be done next. */
export type HandState = 'off' | 'none' | 'seen' | 'free' | 'arming' | 'armed';

/** What is kept of a sight for words, which change seldom. */
export interface HandView {
  state: HandState;
  count: number;
  hints: readonly HandHint[];
}

/** Before there is a picture. */
export const NO_PICTURE: HandView = { state: 'off', count: 0, hints: [] };

/** `arming`: motions count only once they are armed. */
export function handView(sight: HandSight, arming: boolean): HandView {
  const { hands, hints } = sight;
  const state: HandState = hands.some((hand) => hand.armed_ms > 0)
    ? 'armed'
    : hands.some((hand) => hand.arming > 0.3)
      ? 'arming'
      : hands.length === 0
        ? 'none'
        : arming
          ? 'seen'
          : 'free';
  return { state, count: hands.length, hints };
}

export const HINTS: Readonly<Record<HandHint, string>> = {
  slow: 'Fewer than 20 frames per second are looked at, so motions may be missed.',
  dark: 'The picture is dark, and your camera blurs: more light helps.',
  far: 'Your hand is small in the picture: come closer.',
  cut: 'Part of your hand is outside the picture.',
  frozen: 'This hand has not moved for 20 s, like a picture of one: move it, and it counts again.',
  crowded: 'There are more hands than are followed: only the first ones count.',
  unclear:
    'No hand is clear yet. Gloves, covered hands and hands seen from the side are not found.',
};

/** What to do, by what the hands are doing. */
export const NEXT: Readonly<Record<HandState, string>> = {
  off: 'Start, and show a hand within about 1.5 m of the camera.',
  none: 'Show a hand, within about 1.5 m of the camera.',
  seen: 'Shapes work at once. Before a motion, hold an open palm still.',
  free: 'Shapes work at once, and motions after a moment of rest.',
  arming: 'Hold still until the ring is full.',
  armed: 'Armed: now move left, right, up, down, closer, away, or wave.',
};

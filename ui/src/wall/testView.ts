import type { StreamView } from 'sightwire/relay';

/** A stream that is live, for tests; `part` says what is different. */
export function testView(part: Partial<StreamView>): StreamView {
  return {
    id: 'P-1',
    kind: 'relay',
    state: 'live',
    reason: null,
    sinceMs: 0,
    mode: 'normal',
    fps: 25,
    delayMs: 4,
    missed: 0,
    lostPercent: 0,
    picture: null,
    pictureAtMs: 0,
    overlay: null,
    ...part,
  };
}

import type { Session } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { mayOpen } from './needs';

const VIEWER: Session = { csrf: null, name: 'phone', role: 'viewer', streams: [], uses: [] };

describe('a page', () => {
  it('is offered to whoever may use it', () => {
    const streamer: Session = { ...VIEWER, role: 'streamer', uses: ['relay'] };
    const open = (who: Session | null) =>
      ['/', '/recognise', '/cameras', '/broadcast', '/read', '/access'].filter((page) =>
        mayOpen(who, page),
      );
    expect(open(VIEWER)).toEqual(['/', '/cameras']);
    expect(open(streamer)).toEqual(['/', '/cameras', '/broadcast']);
    expect(open({ ...VIEWER, role: 'admin' })).toHaveLength(6);
    expect(open(null)).toHaveLength(6);
  });
});

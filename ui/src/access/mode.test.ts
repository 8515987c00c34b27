import { describe, expect, it } from 'vitest';
import { modeWords } from './mode';

describe('who needs a key', () => {
  it('is everybody where nobody is known without one', () => {
    const words = modeWords({ name: null, role: null }, false);
    expect(words.text).toMatch(/^Access is protected/);
    expect(words.other?.command).toBe('sightwire serve --set access.mode=protected');
  });

  it('is also whoever sits at the machine, where that is so', () => {
    const words = modeWords({ name: null, role: null }, true);
    expect(words.text).toContain('not even this machine');
    expect(words.other).toBeNull();
  });

  it('is nobody where anyone is let in', () => {
    const words = modeWords({ name: 'anyone', role: 'streamer' }, false);
    expect(words.text).toMatch(/^Access is open/);
    expect(words.text).toContain('is a streamer without a key');
    expect(words.other?.command).toBe('sightwire serve --set access.mode=auto');
  });

  it('is not told on the machine itself more than can be known there', () => {
    const words = modeWords({ name: 'this machine', role: 'admin' }, false);
    expect(words.text).toContain('everybody is an admin');
    expect(words.text).toContain('unless access is open to all');
  });

  it('are others where a network or a proxy lets somebody in', () => {
    const words = modeWords({ name: '10.0.0.0/8', role: 'viewer' }, false);
    expect(words.text).toContain('as 10.0.0.0/8, a viewer');
    expect(words.other).toBeNull();
  });
});

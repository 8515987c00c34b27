import { describe, expect, it } from 'vitest';
import { SeenLog } from './seen';

describe('SeenLog', () => {
  it('measures each frame to the first result that has seen it', () => {
    const log = new SeenLog(5000);
    log.sent(1, 0);
    log.sent(2, 40);
    log.sent(3, 80);
    expect(log.result(2, 10, 60)).toEqual([60, 20]);
    expect(log.result(2, 10, 90)).toEqual([]);
    expect(log.result(3, 10, 100)).toEqual([20]);
    expect(log.share(100)).toBe(1);
  });

  it('counts frames that no window held as missed', () => {
    const log = new SeenLog(5000);
    for (let id = 0; id < 40; id += 1) log.sent(id, id * 40);
    log.result(9, 10, 400);
    log.result(29, 10, 1200);
    expect(log.share(1200)).toBeCloseTo(20 / 30);
  });

  it('knows nothing before the first result and after a silence', () => {
    const log = new SeenLog(5000);
    log.sent(1, 0);
    expect(log.share(0)).toBeNull();
    log.result(1, 10, 10);
    expect(log.share(6000)).toBeNull();
  });

  it('stays bounded while no result ever comes', () => {
    const log = new SeenLog(5000);
    for (let id = 0; id < 5000; id += 1) log.sent(id, id);
    expect(log.result(4999, 10_000, 5000)).toHaveLength(500);
  });
});

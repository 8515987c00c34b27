import type { Stream } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { testStream } from '../testing/answers';
import { brokenShare, type Course, nextCourse, NO_COURSE } from './course';

const after = (...streams: (Stream | null)[]): Course =>
  streams.reduce<Course>((course, stream) => nextCourse(course, stream), NO_COURSE);

describe('how the numbers of a stream went', () => {
  it('remembers the last minute', () => {
    const course = after(...Array.from({ length: 80 }, (_, n) => testStream({ fps: n })));
    expect(course.fps.length).toBe(60);
    expect(course.fps.at(-1)).toBe(79);
  });

  it('has no delay without a viewer, instead of a short one', () => {
    const delay = { p50: 4, p95: 9, p99: 12 };
    expect(after(testStream(), testStream({ delay_ms: delay }), testStream()).delay).toEqual([4]);
    expect(after(null)).toBe(NO_COURSE);
  });

  it('says how many pictures were broken lately, not ever', () => {
    const count = (pictures: number, broken: number) => testStream({ pictures, broken });
    expect(brokenShare(NO_COURSE)).toBe(0);
    expect(brokenShare(after(count(100, 50)))).toBe(0);
    expect(brokenShare(after(count(100, 50), count(130, 60)))).toBeCloseTo(0.25);
    const mended = Array.from({ length: 10 }, (_, n) => count(200 + n * 20, 60));
    expect(brokenShare(after(count(100, 50), ...mended))).toBe(0);
  });

  it('starts anew with a stream that was opened anew', () => {
    const old = testStream({ pictures: 1000, broken: 0 });
    const fresh = testStream({ pictures: 10, broken: 10 });
    expect(brokenShare(after(old, fresh))).toBe(0);
  });
});

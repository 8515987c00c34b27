import { describe, expect, it } from 'vitest';
import type { LiveData, LiveStream } from './live';
import { COURSE_LENGTH, type Courses, isCourse, NO_COURSES, nextCourses } from './courses';
import { liveAnalysis, liveData, relayStream } from '../testing/answers';

function at(time: number, streams: LiveStream[]): LiveData {
  return liveData({ time, streams });
}

describe('the course of a stream', () => {
  it('has one value a second, for two minutes', () => {
    let courses: Courses = NO_COURSES;
    let before: LiveData | null = null;
    for (let second = 0; second < COURSE_LENGTH + 30; second += 1) {
      const now = at(1000 + second, [relayStream({ fps: second })]);
      courses = nextCourses(courses, before, now);
      before = now;
    }
    const rates = courses.streams.get('P-1')?.in ?? [];
    expect(rates).toHaveLength(COURSE_LENGTH);
    expect(rates.at(0)).toBe(30);
    expect(rates.at(-1)).toBe(COURSE_LENGTH + 29);
  });

  it('shows a gap where nobody looked, not a line across it', () => {
    const first = at(1000, [relayStream({ fps: 25 })]);
    const later = at(1004.1, [relayStream({ fps: 30 })]);
    const courses = nextCourses(nextCourses(NO_COURSES, null, first), first, later);
    expect(courses.streams.get('P-1')?.in).toEqual([25, null, null, null, 30]);
    const hours = at(9000, [relayStream({ fps: 20 })]);
    const rates = nextCourses(courses, later, hours).streams.get('P-1')?.in ?? [];
    expect(rates).toHaveLength(COURSE_LENGTH);
    expect(rates.filter((rate) => rate !== null)).toEqual([20]);
  });

  it('goes with its stream', () => {
    const first = at(1000, [relayStream({})]);
    const courses = nextCourses(NO_COURSES, null, first);
    expect(nextCourses(courses, first, at(1001, [])).streams.size).toBe(0);
  });

  it('follows the delay at each stage of each analysis', () => {
    const quantiles = { p50: 4, p95: 5, p99: 6 };
    const analyses = [liveAnalysis(), liveAnalysis({ delay_ms: { decoded: quantiles } })];
    const now = at(1000, [relayStream({ analyses })]);
    const course = nextCourses(NO_COURSES, null, now).streams.get('P-1');
    expect(course?.['0-decoded']).toEqual([null]);
    expect(course?.['1-decoded']).toEqual([4]);
    expect(course?.['1-inferred']).toEqual([null]);
  });
});

it('a course is one from twelve known values on', () => {
  const known = Array<number>(12).fill(0);
  expect(isCourse(known)).toBe(true);
  expect(isCourse([null, ...known.slice(1), null])).toBe(false);
});

it('nothing is lost where nobody watches', () => {
  const watched = relayStream({ id: 'a', viewers: 1, lost_percent: 0 });
  const alone = relayStream({ id: 'b', viewers: 0, lost_percent: 0 });
  const { streams } = nextCourses(NO_COURSES, null, at(1000, [watched, alone]));
  expect(streams.get('a')?.lost).toEqual([0]);
  expect(streams.get('b')?.lost).toEqual([null]);
});

import type { Stream } from 'sightwire/api';
import { pushBounded } from '../base/stats';

/** How many answers a sparkline remembers. */
const HISTORY = 60;
/** Over how many of them broken pictures are counted. */
const RECENT = 10;

interface Count {
  pictures: number;
  broken: number;
}

/** How the numbers of a stream went while this page looked, oldest first. */
export interface Course {
  fps: readonly number[];
  delay: readonly number[];
  viewers: readonly number[];
  counts: readonly Count[];
}

export const NO_COURSE: Course = { fps: [], delay: [], viewers: [], counts: [] };

/** The course with the newest answer; of a stream that is closed there is none. */
export function nextCourse(course: Course, stream: Stream | null): Course {
  if (stream === null) return course;
  const { fps, delay_ms: delay, viewers, pictures, broken } = stream;
  const last = course.counts.at(-1);
  // A stream that was opened anew counts from the beginning.
  const before = last !== undefined && last.pictures > pictures ? [] : course.counts;
  return {
    fps: pushBounded(course.fps, fps, HISTORY),
    // Without a viewer there is no delay; a line of zeros would say that it is short.
    delay: delay === null ? course.delay : pushBounded(course.delay, delay.p50, HISTORY),
    viewers: pushBounded(course.viewers, viewers, HISTORY),
    counts: [...before.slice(1 - RECENT), { pictures, broken }],
  };
}

/** The share of pictures that arrived broken lately, 0 to 1. */
export function brokenShare({ counts }: Course): number {
  const [first] = counts;
  const last = counts.at(-1);
  if (first === undefined || last === undefined) return 0;
  const broken = last.broken - first.broken;
  const all = last.pictures - first.pictures + broken;
  return all <= 0 ? 0 : broken / all;
}

import { useState } from 'react';
import { pushBounded } from '../base/stats';

const LENGTH = 60;
const NOTHING: readonly number[] = [];

/** How a number went: one value for each `beat`, which is anything that changes with it. */
export function useCourse(value: number | null, beat: unknown): readonly number[] {
  const [course, setCourse] = useState(NOTHING);
  const [seen, setSeen] = useState(beat);
  if (beat !== seen) {
    setSeen(beat);
    if (value !== null) setCourse(pushBounded(course, value, LENGTH));
  }
  return course;
}

import type { StageDelays } from 'sightwire/api';
import type { LiveData, LiveStream } from './live';
import { lostOf, sums } from './sums';

/** How far back charts go, in values of one second each. */
export const COURSE_LENGTH = 120;

/** Oldest first, one value a second; null where nothing is known. */
export type Values = readonly (number | null)[];

type Course<Name extends string> = Readonly<Partial<Record<Name, Values>>>;

export type StreamSeries = 'in' | 'out' | 'bytesIn' | 'bytesOut' | 'viewers' | 'lost' | 'delivered';
export type StreamCourse = Course<StreamSeries | StageSeries>;
/** Where a picture has been once it was captured, before it is delivered. */
export type Stage = keyof StageDelays;
/** Of each analysis by its place in the list. */
export type StageSeries = `${number}-${Stage}`;

export type TotalSeries =
  'streams' | 'viewers' | 'in' | 'out' | 'lost' | 'cpu' | 'memory' | 'connections' | 'analyses';
export type TotalsCourse = Course<TotalSeries>;

/** How all numbers went while this page looked. */
export interface Courses {
  totals: TotalsCourse;
  streams: ReadonlyMap<string, StreamCourse>;
}

/** Fewer values are a stub at the edge that says nothing. */
const LEAST_KNOWN = 12;

/** Whether so much is known that a small chart of it is worth a look. */
export function isCourse(values: Values): boolean {
  return values.filter((value) => value !== null).length >= LEAST_KNOWN;
}

/** Of a stream that this page has not seen yet. */
export const NO_COURSE: StreamCourse = {};

export const NO_COURSES: Courses = { totals: {}, streams: new Map() };

/**
 * The courses with the newest state. Seconds in which this page did not look, because it was hidden
 * or the connection was lost, stay empty.
 */
export function nextCourses(courses: Courses, before: LiveData | null, now: LiveData): Courses {
  const seconds = before === null ? 1 : Math.round(now.time - before.time);
  const step = Math.min(COURSE_LENGTH, Math.max(1, seconds));
  const streams = new Map(
    Object.entries(now.streams).map(([id, stream]) => [
      id,
      extend(courses.streams.get(id) ?? {}, streamValues(stream), step),
    ]),
  );
  return { totals: extend(courses.totals, totalValues(now), step), streams };
}

function streamValues(stream: LiveStream): Record<StreamSeries | StageSeries, number | null> {
  const stages = stream.analyses.flatMap(({ delay_ms: delay }, n) =>
    (['decoded', 'inferred', 'encoded'] as const).map(
      (stage) => [`${n}-${stage}`, delay[stage]?.p50 ?? null] as const,
    ),
  );
  return {
    in: stream.fps,
    out: stream.fps_out,
    bytesIn: stream.bytes_per_s,
    bytesOut: stream.bytes_out_per_s,
    viewers: stream.viewers,
    lost: lostOf(stream),
    delivered: stream.delay_ms?.p50 ?? null,
    ...Object.fromEntries(stages),
  };
}

function totalValues(data: LiveData): Record<TotalSeries, number | null> {
  const { cameras, process } = data;
  // Who is not told of viewers has an empty list of them.
  const all = sums(data, Object.keys(data.viewers).length > 0);
  return {
    streams: all.streams,
    viewers: all.viewers,
    in: all.fpsIn,
    out: all.fpsOut,
    lost: all.lost,
    cpu: process.cpu_percent,
    memory: process.memory_bytes,
    connections: process.connections,
    analyses: cameras.analyses,
  };
}

/** Each series with one more value, `step` seconds after its last one. */
function extend<Name extends string>(
  course: Course<Name>,
  values: Record<Name, number | null>,
  step: number,
): Course<Name> {
  const names = Object.keys(values) as Name[];
  const longer = names.map((name): [Name, Values] => {
    const before: Values = course[name] ?? [];
    const gap = before.length === 0 ? 0 : step - 1;
    const kept = before.slice(Math.max(0, before.length + gap + 1 - COURSE_LENGTH));
    const empty = Array<null>(Math.min(gap, COURSE_LENGTH - 1)).fill(null);
    return [name, [...kept, ...empty, values[name]]];
  });
  return Object.fromEntries(longer) as Record<Name, Values>;
}

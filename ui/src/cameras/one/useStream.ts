import { useMemo } from 'react';
import type { Stream } from 'sightwire/api';
import { Poll, usePoll } from '../../api/poll';
import { type Course, nextCourse, NO_COURSE } from '../../api/course';

const EVERY_MS = 1000;
const NOT_FOUND = 404;

export interface StreamView {
  /** Null while the camera is not open. */
  stream: Stream | null;
  /** Why the server does not answer; null if it does. */
  silent: string | null;
  history: Course;
}

/** Asks for one stream, and remembers how its numbers went. */
class StreamWatch {
  history: Course = NO_COURSE;
  readonly poll: Poll<Stream>;

  constructor(id: string) {
    const path = `/api/v1/streams/${encodeURIComponent(id)}`;
    this.poll = new Poll<Stream>(path, (stream) => {
      this.history = nextCourse(this.history, stream);
    });
  }
}

/** One stream with its viewers, and how its numbers went while this page looked. */
export function useStream(id: string): StreamView {
  const watch = useMemo(() => new StreamWatch(id), [id]);
  const { answer, failure } = usePoll(watch.poll, EVERY_MS);
  const closed = failure?.status === NOT_FOUND;
  return {
    stream: closed ? null : answer,
    silent: failure !== null && failure.status === null ? failure.message : null,
    history: watch.history,
  };
}

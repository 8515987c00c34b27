import { useCallback, useEffect, useRef, useState } from 'react';
import type { CameraTest } from 'sightwire/api';
import { testCamera, type Tested } from '../../api/cameras';
import { sentence } from '../../api/http';

export type Test =
  | { state: 'idle' }
  | { state: 'running' }
  | { state: 'done'; tested: Tested }
  | { state: 'failed'; why: string };

/** Tries a camera before it is kept. A new test ends the one before. */
export function useTest(): [Test, (camera: CameraTest) => void, () => void] {
  const [test, setTest] = useState<Test>({ state: 'idle' });
  const stop = useRef<AbortController | null>(null);
  const end = useCallback(() => {
    stop.current?.abort();
    setTest({ state: 'idle' });
  }, []);
  useEffect(() => () => stop.current?.abort(), []);

  const begin = useCallback((camera: CameraTest) => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    setTest({ state: 'running' });
    void testCamera(camera, own.signal)
      .then(
        (tested): Test => ({ state: 'done', tested }),
        (error: unknown): Test => ({ state: 'failed', why: sentence(error) }),
      )
      .then((next) => {
        if (!own.signal.aborted) setTest(next);
      });
  }, []);
  return [test, begin, end];
}

import { useEffect, useRef } from 'react';
import { formatMs } from '../../components/format';
import { Icon } from '../../components/Icon';
import { Progress } from '../../components/Progress';
import { paint } from '../pictures/paint';
import { sentenceOf } from '../state/streamWords';
import type { Test } from './useTest';
import css from './TestResult.module.css';

/** What came of a test: the first picture, or why there is none. It never changes its size. */
export function TestResult({ test }: { test: Test }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = test.state === 'done' ? test.tested.picture : null;
  useEffect(() => {
    if (picture !== null && canvas.current !== null) {
      paint(canvas.current, picture).catch(() => undefined);
    }
  }, [picture]);
  return (
    <figure className={css.result} data-testid="test-result" data-state={test.state}>
      <div className={css.stage}>
        <canvas
          ref={canvas}
          className={css.canvas}
          hidden={picture === null}
          role="img"
          aria-label="First frame from the camera"
        />
        {test.state === 'idle' && <p>The test shows the first frame here. Nothing is saved.</p>}
        {test.state === 'running' && (
          <div className={css.busy}>
            <p>Requesting a frame…</p>
            <Progress label="Requesting a frame" value={null} />
          </div>
        )}
        {test.state === 'failed' && (
          <p>
            <Icon name="alert" size={24} />
            {sentenceOf(test.why)}
          </p>
        )}
      </div>
      <figcaption>
        <span role="status">{words(test)}</span>
      </figcaption>
    </figure>
  );
}

function words(test: Test): string {
  switch (test.state) {
    case 'idle':
      return 'Not tested';
    case 'running':
      return 'Testing…';
    case 'failed':
      return 'No frame';
    case 'done': {
      const { width, height, waitMs } = test.tested;
      const size = width === null || height === null ? '' : `: ${width} × ${height}`;
      if (waitMs === null) return `It works${size}`;
      return `It works${size}, ${waitMs < 1 ? 'immediately' : `after ${formatMs(waitMs)} ms`}`;
    }
  }
}

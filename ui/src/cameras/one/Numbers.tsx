import type { Viewer } from 'sightwire/api';
import { formatMs, formatRate } from '../../components/format';
import { Metric } from '../../components/Metric';
import { Metrics } from '../../components/Metrics';
import type { LiveView } from '../pictures/livePicture';
import { lossWords } from './counters';
import type { StreamView } from './useStream';

interface Props {
  view: StreamView;
  live: LiveView;
  shown: readonly number[];
}

/** The four numbers that say how a camera does. */
export function Numbers({ view: { stream, silent, history }, live, shown }: Props) {
  const known = silent === null ? stream : null;
  const delay = known?.delay_ms ?? null;
  return (
    <Metrics>
      <Metric
        caption="Frames in"
        explain="Frames received from the camera per second."
        values={[{ text: formatRate(known?.fps ?? null), unit: 'fps', 'data-testid': 'fps-in' }]}
        note={
          known?.width == null || known.height === null ? '' : `${known.width} × ${known.height}`
        }
        history={history.fps}
        atLeast={10}
      />
      <Metric
        caption="Shown here"
        explain="Frames received by this page per second, by this page’s clock."
        values={[{ text: formatRate(live.fps), unit: 'fps', 'data-testid': 'fps-here' }]}
        note={live.width === null || live.fps === null ? '' : 'on this page'}
        history={shown}
        atLeast={10}
      />
      <Metric
        caption="Delay"
        explain="Time on the server from a frame’s arrival from the camera to its delivery to a viewer, over the last seconds. Half take p50 or less, 95 % take p95 or less."
        values={[
          {
            name: 'p50',
            text: formatMs(delay?.p50 ?? null),
            unit: 'ms',
            'data-testid': 'delay-p50',
          },
          { name: 'p95', text: formatMs(delay?.p95 ?? null), unit: 'ms' },
        ]}
        note="camera to viewer"
        history={history.delay}
        atLeast={5}
      />
      <Metric
        caption="Viewers"
        explain="Pages, players and programs watching this camera now. Lost frames are those that a viewer was too slow for; it gets the newest one instead."
        values={[{ text: known === null ? '–' : String(known.viewers), 'data-testid': 'viewers' }]}
        note={known === null ? '' : losses(known.viewer_list ?? [])}
        history={history.viewers}
        atLeast={4}
      />
    </Metrics>
  );
}

function losses(viewers: readonly Viewer[]): string {
  const most = Math.max(0, ...viewers.map((viewer) => viewer.lost_percent));
  return most <= 0 ? 'no frames lost' : `up to ${lossWords(most)} lost`;
}

import { formatCount, formatMs, formatPercent, formatRate, UNKNOWN } from '../../components/format';
import { Metric } from '../../components/Metric';
import { Metrics } from '../../components/Metrics';
import type { Snapshot } from '../snapshot';
import { useCourse } from '../useCourse';
import type { Preview } from '../usePreview';

interface Props {
  snapshot: Snapshot;
  preview: Preview;
}

/** What leaves this page, who watches it, and how long the way to them is. */
export function NumbersPanel({ snapshot, preview }: Props) {
  const { stream, history, leftOut } = snapshot;
  const live = stream.state === 'live';
  const { fps, bytesPerSecond, viewers, widthPx, heightPx } = stream;
  // The preview is a viewer like any other to the server, and none to a person.
  const own = preview.open ? 1 : 0;
  const others = live && viewers !== null ? Math.max(0, viewers - own) : null;
  const delayMs = live ? (preview.view?.delayMs ?? null) : null;
  const beat = history.fps;
  const viewersCourse = useCourse(others, beat);
  const delayCourse = useCourse(delayMs, beat);
  return (
    <Metrics>
      <Metric
        caption="Frames out"
        explain="Frames sent from this page per second. When the network or the server is too slow, some are not sent; the newest always goes first."
        values={[{ text: formatRate(live ? fps : null), unit: 'fps', 'data-testid': 'fps-out' }]}
        note={live && leftOut !== null ? `${formatPercent(leftOut)} % not sent` : ''}
        history={history.fps}
        atLeast={30}
      />
      <Metric
        caption="Traffic"
        explain="Bytes sent from this page per second, and the size of one frame."
        values={[
          {
            text: live ? (bytesPerSecond / 1e6).toFixed(2) : UNKNOWN,
            unit: 'MB/s',
            'data-testid': 'traffic',
          },
        ]}
        note={
          live && fps > 0
            ? `${formatCount(Math.round(bytesPerSecond / fps / 1000))} kB per frame`
            : ''
        }
        history={history.bytes}
        atLeast={1e6}
      />
      <Metric
        caption="Viewers"
        explain="Pages, players and programs watching this stream now, counted by the server. The preview on this page is not counted."
        values={[
          { text: others === null ? UNKNOWN : formatCount(others), 'data-testid': 'viewers' },
        ]}
        note={live && own === 1 ? 'besides this page' : ''}
        history={viewersCourse}
        atLeast={4}
      />
      <Metric
        caption="Delay"
        explain="Time from a frame’s arrival at the server to its arrival back on this page: the delay for a viewer next to you. By the server’s clock, corrected; measured with the preview."
        values={[{ text: formatMs(delayMs), unit: 'ms', 'data-testid': 'delay' }]}
        note={live && widthPx !== null && heightPx !== null ? `${widthPx} × ${heightPx}` : ''}
        history={delayCourse}
        atLeast={10}
      />
    </Metrics>
  );
}

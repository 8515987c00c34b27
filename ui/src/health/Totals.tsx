import type { LiveData } from '../api/live';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
} from '../components/format';
import { Metric } from '../components/Metric';
import { type Span, useTotalCharts } from './history';
import { asFps, asLost, asPercent, formatLost, formatPictures } from './numbers';
import { sums, viewersOfCameras } from '../api/sums';
import { count } from './words';
import css from './Totals.module.css';

/** What goes through the server: all streams, those of cameras included. */
export function StreamTotals({
  data,
  seesViewers,
  span,
}: {
  data: LiveData;
  seesViewers: boolean;
  span: Span;
}) {
  const of = useTotalCharts(span);
  const { relay, cameras } = data;
  const all = sums(data, seesViewers);
  return (
    <section className={css.totals} aria-label="All streams">
      <Metric
        caption="Streams"
        explain={`Streams from senders (at most ${formatCount(relay.max_streams)}: relay.max_streams) and cameras that are being read (at most ${formatCount(cameras.max_upstreams)}: cameras.max_upstreams).`}
        values={[{ text: formatCount(all.streams) }]}
        note={`${formatCount(all.streams - all.cameras)} sent, ${count(all.cameras, 'camera')}`}
        {...of('streams')}
        said={formatCount}
        atLeast={4}
      />
      <Metric
        caption="Viewers"
        explain="Connections that receive frames of streams and cameras. At most relay.max_viewers for streams, cameras.max_viewers for cameras."
        values={[{ text: formatCount(all.viewers) }]}
        note={seesViewers && `${formatCount(viewersOfCameras(data))} on cameras`}
        {...of('viewers')}
        said={formatCount}
        atLeast={4}
      />
      <Metric
        caption="Frames in"
        explain="Frames received per second from all senders and cameras."
        values={[{ text: formatPictures(all.fpsIn), unit: 'fps' }]}
        note={formatByteRate(all.bytesIn)}
        {...of('in')}
        said={asFps}
        atLeast={25}
      />
      <Metric
        caption="Frames out"
        explain="Frames delivered per second to all viewers."
        values={[{ text: formatPictures(all.fpsOut), unit: 'fps' }]}
        note={formatByteRate(all.bytesOut)}
        {...of('out')}
        said={asFps}
        atLeast={25}
      />
      <Metric
        caption="Lost"
        explain="Share of the frames for viewers in the last 3 s that a viewer was too slow for. It got the newest one instead; other viewers were not affected."
        values={[{ text: formatLost(all.lost), ...(all.lost === null ? {} : { unit: '%' }) }]}
        note={(all.lost ?? 0) > 0.05 ? 'by slow viewers' : 'no slow viewers now'}
        {...of('lost')}
        said={asLost}
        atLeast={10}
      />
    </section>
  );
}

/** The process itself. */
export function ProcessTotals({ data, span }: { data: LiveData; span: Span }) {
  const of = useTotalCharts(span);
  const { process, cameras, server } = data;
  return (
    <section className={`${css.totals} ${css.process}`} aria-label="Server">
      <Metric
        caption="Processor"
        explain="CPU use of this process; 100 % is one core."
        values={[{ text: formatPercent(process.cpu_percent / 100), unit: '%' }]}
        note={count(process.threads, 'thread')}
        {...of('cpu')}
        said={asPercent}
        atLeast={100}
      />
      <Metric
        caption="Memory"
        explain="Memory use of this process, including its models."
        values={[{ text: formatBytes(process.memory_bytes) }]}
        note={`up ${formatDuration(server.uptime_s)}`}
        {...of('memory')}
        said={formatBytes}
        atLeast={2e8}
      />
      <Metric
        caption="Connections"
        explain="Open connections of all kinds, including this page’s own, and the maximum."
        values={[
          {
            text: formatCount(process.connections),
            unit: `of ${formatCount(process.max_connections)}`,
          },
        ]}
        note={`version ${server.version}`}
        {...of('connections')}
        said={formatCount}
        atLeast={10}
      />
      <Metric
        caption="Analyses"
        explain="Analyses running now, and the maximum (cameras.max_analyses). Each analysis is shared by all its viewers."
        values={[{ text: formatCount(cameras.analyses), unit: `of ${cameras.max_analyses}` }]}
        note={free(cameras.max_analyses - cameras.analyses)}
        {...of('analyses')}
        said={formatCount}
        atLeast={4}
      />
    </section>
  );
}

function free(places: number): string {
  return `${formatCount(Math.max(0, places))} free`;
}

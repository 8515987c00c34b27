import type { LiveData } from '../api/live';
import { useLive } from '../api/useLive';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
} from '../components/format';
import { Metric } from '../components/Metric';
import { COURSE_LENGTH, type TotalSeries, type Values } from './course';
import { formatLost, formatPictures } from './numbers';
import { count } from './words';
import css from './Totals.module.css';

const NONE: Values = [];

function useSeries() {
  const courses = useLive((view) => view.courses.totals);
  return (series: TotalSeries) => ({ history: courses[series] ?? NONE, length: COURSE_LENGTH });
}

/** What goes through the relay, with what it may take at most. */
export function RelayTotals({ relay }: Pick<LiveData, 'relay'>) {
  const of = useSeries();
  return (
    <section className={css.totals} aria-label="Relay">
      <Metric
        caption="Streams"
        explain="Streams from senders, and the maximum (relay.max_streams)."
        values={[
          { text: formatCount(relay.streams), unit: `of ${formatCount(relay.max_streams)}` },
        ]}
        note={free(relay.max_streams - relay.streams)}
        {...of('streams')}
        atLeast={4}
      />
      <Metric
        caption="Viewers"
        explain="Connections that receive frames from the relay, and the maximum (relay.max_viewers)."
        values={[
          { text: formatCount(relay.viewers), unit: `of ${formatCount(relay.max_viewers)}` },
        ]}
        note={free(relay.max_viewers - relay.viewers)}
        {...of('viewers')}
        atLeast={4}
      />
      <Metric
        caption="Frames in"
        explain="Frames received per second from all senders."
        values={[{ text: formatPictures(relay.frames_in_per_s), unit: 'fps' }]}
        note={formatByteRate(relay.bytes_in_per_s)}
        {...of('in')}
        atLeast={25}
      />
      <Metric
        caption="Frames out"
        explain="Frames delivered per second to all viewers of the relay."
        values={[{ text: formatPictures(relay.frames_out_per_s), unit: 'fps' }]}
        note={formatByteRate(relay.bytes_out_per_s)}
        {...of('out')}
        atLeast={25}
      />
      <Metric
        caption="Lost"
        explain="Share of the frames for viewers in the last 2 s that a viewer was too slow for. It got the newest one instead; other viewers were not affected."
        values={[{ text: formatLost(relay.lost_percent), unit: '%' }]}
        note={relay.lost_percent > 0 ? 'by slow viewers' : 'no slow viewers'}
        {...of('lost')}
        atLeast={10}
      />
    </section>
  );
}

/** The process itself, and what its cameras take. */
export function ProcessTotals({ data }: { data: LiveData }) {
  const of = useSeries();
  const { process, cameras, server } = data;
  return (
    <section className={`${css.totals} ${css.process}`} aria-label="Server">
      <Metric
        caption="Processor"
        explain="CPU use of this process; 100 % is one core."
        values={[{ text: formatPercent(process.cpu_percent / 100), unit: '%' }]}
        note={count(process.threads, 'thread')}
        {...of('cpu')}
        atLeast={100}
      />
      <Metric
        caption="Memory"
        explain="Memory use of this process, including its models."
        values={[{ text: formatBytes(process.memory_bytes) }]}
        note={`up ${formatDuration(server.uptime_s)}`}
        {...of('memory')}
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
        atLeast={10}
      />
      <Metric
        caption="Cameras"
        explain="Camera connections in use, and the maximum (cameras.max_upstreams). Each camera is read once, however many people watch."
        values={[{ text: formatCount(cameras.upstreams), unit: `of ${cameras.max_upstreams}` }]}
        note={`${formatCount(cameras.viewers)} of ${count(cameras.max_viewers, 'viewer')}`}
        {...of('upstreams')}
        atLeast={4}
      />
      <Metric
        caption="Analyses"
        explain="Analyses running now, and the maximum (cameras.max_analyses). Each analysis is shared by all its viewers."
        values={[{ text: formatCount(cameras.analyses), unit: `of ${cameras.max_analyses}` }]}
        note={free(cameras.max_analyses - cameras.analyses)}
        {...of('analyses')}
        atLeast={4}
      />
    </section>
  );
}

function free(places: number): string {
  return `${formatCount(Math.max(0, places))} free`;
}

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
    <section className={css.totals} aria-label="The relay">
      <Metric
        caption="Streams"
        explain="Streams that senders have open in the relay, and how many it takes at most (relay.max_streams)."
        values={[
          { text: formatCount(relay.streams), unit: `of ${formatCount(relay.max_streams)}` },
        ]}
        note={free(relay.max_streams - relay.streams)}
        {...of('streams')}
        atLeast={4}
      />
      <Metric
        caption="Viewers"
        explain="Connections that take pictures from the relay, and how many it takes at most (relay.max_viewers)."
        values={[
          { text: formatCount(relay.viewers), unit: `of ${formatCount(relay.max_viewers)}` },
        ]}
        note={free(relay.max_viewers - relay.viewers)}
        {...of('viewers')}
        atLeast={4}
      />
      <Metric
        caption="Pictures in"
        explain="Pictures that all senders of the relay bring in a second."
        values={[{ text: formatPictures(relay.frames_in_per_s), unit: 'per s' }]}
        note={formatByteRate(relay.bytes_in_per_s)}
        {...of('in')}
        atLeast={25}
      />
      <Metric
        caption="Pictures out"
        explain="Pictures that all viewers of the relay get in a second."
        values={[{ text: formatPictures(relay.frames_out_per_s), unit: 'per s' }]}
        note={formatByteRate(relay.bytes_out_per_s)}
        {...of('out')}
        atLeast={25}
      />
      <Metric
        caption="Lost"
        explain="Of the pictures meant for viewers over the last 2 s, the share that a viewer was too slow for. It got the newest one instead, and nobody waited for it."
        values={[{ text: formatLost(relay.lost_percent), unit: '%' }]}
        note={relay.lost_percent > 0 ? 'by slow viewers' : 'everybody keeps up'}
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
    <section className={`${css.totals} ${css.process}`} aria-label="The server">
      <Metric
        caption="Processor"
        explain="What this process takes of the machine; 100 % is one core."
        values={[{ text: formatPercent(process.cpu_percent / 100), unit: '%' }]}
        note={count(process.threads, 'thread')}
        {...of('cpu')}
        atLeast={100}
      />
      <Metric
        caption="Memory"
        explain="What this process holds of the machine’s memory, its models included."
        values={[{ text: formatBytes(process.memory_bytes) }]}
        note={`up ${formatDuration(server.uptime_s)}`}
        {...of('memory')}
        atLeast={2e8}
      />
      <Metric
        caption="Connections"
        explain="Connections of all kinds that are open, this page’s own among them, and how many may be."
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
        explain="Cameras that are being read, and how many may be at once (cameras.max_upstreams). Each is read once, however many watch it."
        values={[{ text: formatCount(cameras.upstreams), unit: `of ${cameras.max_upstreams}` }]}
        note={`${formatCount(cameras.viewers)} of ${count(cameras.max_viewers, 'viewer')}`}
        {...of('upstreams')}
        atLeast={4}
      />
      <Metric
        caption="Analyses"
        explain="What models look at now, and how many streams they may look at (cameras.max_analyses). An analysis is made once for all who want to see it."
        values={[{ text: formatCount(cameras.analyses), unit: `of ${cameras.max_analyses}` }]}
        note={free(cameras.max_analyses - cameras.analyses)}
        {...of('analyses')}
        atLeast={4}
      />
    </section>
  );
}

function free(places: number): string {
  return `${count(Math.max(0, places), 'place')} free`;
}

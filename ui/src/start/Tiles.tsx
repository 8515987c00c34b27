import type { StatusView } from '../api/statusStore';
import { formatMs, formatPercent, formatRate } from '../components/format';
import { Metric } from '../components/Metric';
import css from './Tiles.module.css';

/** The four numbers that say how the server does. */
export function Tiles({ view }: { view: StatusView }) {
  const recognizer = view.status?.recognizer;
  const { history } = view;
  const frames = recognizer?.frames_per_s ?? 0;
  const share = frames > 0.1 ? Math.min(1, (recognizer?.analysed_per_s ?? 0) / frames) : null;
  const free = recognizer === undefined ? null : recognizer.max_clients - recognizer.clients;
  return (
    <div className={css.tiles} data-stale={view.failure !== null || undefined}>
      <Metric
        caption="Clients"
        explain="Programs and pages sending frames now, and the maximum."
        values={[
          {
            text: String(recognizer?.clients ?? '–'),
            unit: `of ${recognizer?.max_clients ?? '–'}`,
          },
        ]}
        note={free === null ? '' : `${free} free`}
        history={history.clients}
        atLeast={4}
      />
      <Metric
        caption="Frames"
        explain="Valid frames received per second from all clients. Each is answered immediately."
        values={[{ text: formatRate(recognizer?.frames_per_s ?? null), unit: 'fps' }]}
        note={frames > 0.1 ? 'all answered' : 'no client is sending'}
        history={history.frames}
        atLeast={25}
      />
      <Metric
        caption="Analysed"
        explain="Frames per second that the model analyses. Below 100 %, more arrive than the machine can analyse; its capacity is shared evenly."
        values={[{ text: formatRate(recognizer?.analysed_per_s ?? null), unit: 'fps' }]}
        note={share === null ? '' : `${formatPercent(share)} % of all frames`}
        history={history.analysed}
        atLeast={25}
      />
      <Metric
        caption="Delay"
        explain="Time on the server from the arrival of a window’s newest frame to its result. Half of the results take p50 or less, 95 % take p95 or less."
        values={[
          { name: 'p50', text: formatMs(recognizer?.delay_ms.p50 ?? null), unit: 'ms' },
          { name: 'p95', text: formatMs(recognizer?.delay_ms.p95 ?? null), unit: 'ms' },
        ]}
        note="frame to result"
        history={history.delay}
        atLeast={5}
      />
    </div>
  );
}

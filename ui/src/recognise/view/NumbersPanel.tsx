import { formatMs, formatPercent, formatRate } from '../../components/format';
import { Metric } from '../../components/Metric';
import type { Numbers } from '../numbers';
import css from './NumbersPanel.module.css';

/** What is measured on the way, by this page's own clock. */
export function NumbersPanel({ numbers, active }: { numbers: Numbers; active: boolean }) {
  const { roundTrip, seen, history } = numbers;
  // Without a connection there are no numbers, only old ones.
  const known = <T,>(value: T): T | null => (active ? value : null);
  const rate = (value: number) => formatRate(known(value));
  const ms = (value: number | null) => formatMs(known(value));
  return (
    <section className={css.panel} aria-label="Numbers">
      <Metric
        caption="Frames sent"
        explain="Pictures that left this page in a second, and answers that came. It sends up to 25, and fewer when answers stay away, so that nothing queues."
        values={[{ text: rate(numbers.sentFps), unit: 'per s', 'data-testid': 'fps' }]}
        note={`${rate(numbers.answeredFps)} answered`}
        history={history.sent}
        atLeast={30}
      />
      <Metric
        caption="Analysed"
        explain="The share of sent frames that a result has seen. Below 100 % the server has more to do than it can, and shares it out."
        values={[{ text: formatPercent(known(numbers.analysed)), unit: '%' }]}
        note={`${rate(numbers.resultFps)} results per s`}
        history={history.analysed}
      />
      <Metric
        caption="Round trip"
        explain="From sending a frame to the answer for the same frame, measured here. The answer carries the newest result known at that moment. Half take p50 or less, 95 of 100 take p95 or less."
        values={[
          { name: 'p50', text: ms(roundTrip.p50), unit: 'ms', 'data-testid': 'rtt-p50' },
          { name: 'p95', text: ms(roundTrip.p95), unit: 'ms', 'data-testid': 'rtt-p95' },
        ]}
        note="frame to answer"
        history={history.roundTrip}
        atLeast={10}
      />
      <Metric
        caption="Until seen"
        explain="From sending a frame to the first result that has seen it: the network, the wait for the model and the model itself. Measured here."
        values={[
          { name: 'p50', text: ms(seen.p50), unit: 'ms', 'data-testid': 'seen-p50' },
          { name: 'p95', text: ms(seen.p95), unit: 'ms', 'data-testid': 'seen-p95' },
        ]}
        note="frame to its result"
        history={history.seen}
        atLeast={10}
      />
    </section>
  );
}

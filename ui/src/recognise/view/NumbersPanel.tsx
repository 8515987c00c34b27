import { formatMs, formatPercent, formatRate } from '../../components/format';
import { Metric } from '../../components/Metric';
import { Metrics } from '../../components/Metrics';
import type { Numbers } from '../numbers';

/** What is measured on the way, by this page's own clock. */
export function NumbersPanel({ numbers, active }: { numbers: Numbers; active: boolean }) {
  const { roundTrip, seen, history } = numbers;
  // Without a connection there are no numbers, only old ones.
  const known = <T,>(value: T): T | null => (active ? value : null);
  const rate = (value: number) => formatRate(known(value));
  const ms = (value: number | null) => formatMs(known(value));
  return (
    <Metrics>
      <Metric
        caption="Frames sent"
        explain="Frames sent from this page per second, and answers received. Up to 25 are sent, and fewer when answers are late, so that nothing queues."
        values={[{ text: rate(numbers.sentFps), unit: 'fps', 'data-testid': 'fps' }]}
        note={`${rate(numbers.answeredFps)} answered`}
        history={history.sent}
        atLeast={30}
      />
      <Metric
        caption="Analysed"
        explain="Share of the sent frames that are in a result. Below 100 %, the server is overloaded and shares its capacity between clients."
        values={[{ text: formatPercent(known(numbers.analysed)), unit: '%' }]}
        note={`${rate(numbers.resultFps)} results per s`}
        history={history.analysed}
      />
      <Metric
        caption="Round trip"
        explain="Time from sending a frame to the answer to that frame, measured here. The answer contains the newest result at that moment. Half take p50 or less, 95 % take p95 or less."
        values={[
          { name: 'p50', text: ms(roundTrip.p50), unit: 'ms', 'data-testid': 'rtt-p50' },
          { name: 'p95', text: ms(roundTrip.p95), unit: 'ms', 'data-testid': 'rtt-p95' },
        ]}
        note="frame to answer"
        history={history.roundTrip}
        atLeast={10}
      />
      <Metric
        caption="Time to result"
        explain="Time from sending a frame to the first result that includes it: the network, the wait for the model and the model itself. Measured here."
        values={[
          { name: 'p50', text: ms(seen.p50), unit: 'ms', 'data-testid': 'seen-p50' },
          { name: 'p95', text: ms(seen.p95), unit: 'ms', 'data-testid': 'seen-p95' },
        ]}
        note="frame to result"
        history={history.seen}
        atLeast={10}
      />
    </Metrics>
  );
}

import { Button } from '@mantine/core';
import type { LiveStream } from '../api/live';
import { useLive } from '../api/useLive';
import { useMay } from '../api/session';
import { Link } from '../base/Link';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  UNKNOWN,
} from '../components/format';
import { Icon } from '../components/Icon';
import { ToolButton } from '../components/ToolButton';
import { NO_COURSE } from '../api/courses';
import { Delays } from './Delays';
import { SPAN_WORDS, useStreamCharts } from './history';
import { MiniChart } from './MiniChart';
import { asFps, asLost, formatLost, formatPictures } from './numbers';
import { lostOf } from '../api/sums';
import { useSettings } from './useSettings';
import { count, wordsOfStream } from './words';
import css from './Panel.module.css';

/** All that is known of a stream, and how it went. */
export function StreamPanel({
  row: stream,
  onFind,
}: {
  row: LiveStream;
  onFind: (text: string) => void;
}) {
  const [{ span }] = useSettings();
  const of = useStreamCharts(span, stream.id);
  const course = useLive((view) => view.courses.streams.get(stream.id) ?? NO_COURSE);
  const seesViewers = useMay('operator');
  const { text } = wordsOfStream(stream);
  return (
    <div className={css.panel}>
      {text !== null && <p className={css.why}>{text}</p>}
      <div className={css.charts} role="group" aria-label={SPAN_WORDS[span]}>
        <MiniChart
          caption="Frames in"
          text={formatPictures(stream.fps)}
          unit="fps"
          chart={of('in')}
          said={asFps}
          atLeast={10}
        />
        <MiniChart
          caption="Frames out"
          text={formatPictures(stream.fps_out)}
          unit="fps"
          chart={of('out')}
          said={asFps}
          atLeast={10}
        />
        <MiniChart
          caption="Viewers"
          text={formatCount(stream.viewers)}
          chart={of('viewers')}
          said={formatCount}
          atLeast={4}
        />
        <MiniChart
          caption="Bytes in"
          text={formatByteRate(stream.bytes_per_s)}
          chart={of('bytesIn')}
          said={formatByteRate}
          atLeast={1e5}
        />
        <MiniChart
          caption="Bytes out"
          text={formatByteRate(stream.bytes_out_per_s)}
          chart={of('bytesOut')}
          said={formatByteRate}
          atLeast={1e5}
        />
        <MiniChart
          caption="Lost"
          text={formatLost(lostOf(stream))}
          unit="%"
          chart={of('lost')}
          said={asLost}
          atLeast={10}
        />
      </div>
      <Delays stream={stream} course={course} />
      <dl className={css.facts}>
        {facts(stream).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="number">{value}</dd>
          </div>
        ))}
      </dl>
      <div className={css.actions}>
        <Button
          component={Link}
          href={placeOf(stream)}
          variant="default"
          leftSection={<Icon name="eye" />}
        >
          Watch
        </Button>
        {stream.viewers > 0 && seesViewers && (
          <ToolButton icon="search" onClick={() => onFind(stream.id)}>
            Show its {count(stream.viewers, 'viewer')}
          </ToolButton>
        )}
      </div>
    </div>
  );
}

function placeOf({ id, kind }: LiveStream): string {
  const name = encodeURIComponent(id);
  return kind === 'camera' ? `/cameras/${name}` : `/wall?streams=${name}`;
}

function facts(stream: LiveStream): [string, string][] {
  const { width, height } = stream;
  const size = width === undefined || height === undefined ? UNKNOWN : `${width} × ${height}`;
  return [
    ['In this state for', formatDuration(stream.since_s)],
    ['Size', size],
    ['Received in total', `${formatCount(stream.pictures)}, ${formatBytes(stream.bytes)}`],
    ['Delivered in total', formatCount(stream.delivered)],
    ['Lost by viewers', formatCount(stream.missed)],
    ...(stream.kind === 'relay' ? ofSender(stream) : ofCamera(stream)),
  ];
}

function ofSender({ peer, protocol, mode, bad, dropped }: LiveStream): [string, string][] {
  return [
    ['Sender', peer ?? UNKNOWN],
    ['Sent as', protocol === undefined ? UNKNOWN : SENT[protocol]],
    ['Analysis', mode ?? UNKNOWN],
    ['Invalid messages', formatCount(bad ?? 0)],
    ['Dropped (over relay.max_fps)', formatCount(dropped ?? 0)],
  ];
}

function ofCamera({ url, broken, connects }: LiveStream): [string, string][] {
  return [
    ['Address', url ?? UNKNOWN],
    ['Damaged', formatCount(broken)],
    ['Connections', formatCount(connects)],
  ];
}

const SENT = { text: 'text (a third more bytes)', binary: 'binary' };

import { Button } from '@mantine/core';
import type { RelayTotals } from 'sightwire/api';
import { Link } from '../app/Link';
import { formatByteRate, formatCount, UNKNOWN } from '../components/format';
import { formatPictures } from '../health/numbers';
import { Icon } from '../components/Icon';
import css from './Entry.module.css';

/** The way to live streams: sending one, watching all, and how they do. */
export function RelayEntry({ relay }: { relay: RelayTotals | null }) {
  const facts = [
    ['Streams', relay && `${formatCount(relay.streams)} of ${formatCount(relay.max_streams)}`],
    ['Viewers', relay && `${formatCount(relay.viewers)} of ${formatCount(relay.max_viewers)}`],
    ['In', relay && `${formatPictures(relay.frames_in_per_s)} fps`],
    ['Out', relay && `${formatPictures(relay.frames_out_per_s)} fps`],
    ['Bytes out', relay && formatByteRate(relay.bytes_out_per_s)],
    ['Lost', relay && `${relay.lost_percent.toFixed(1)} %`],
  ] as const;
  return (
    <section className={`card ${css.entry}`} aria-labelledby="entry-relay">
      <div className={css.head}>
        <span className={css.sign}>
          <Icon name="broadcast" size={28} />
        </span>
        <div>
          <h2 id="entry-relay" className={css.title}>
            Broadcast and Wall
          </h2>
          <p className={css.line}>
            Send a camera, a screen or a video live, and watch all streams side by side.
          </p>
        </div>
      </div>
      <div className={css.actions}>
        <Button component={Link} href="/broadcast" leftSection={<Icon name="broadcast" />}>
          Broadcast
        </Button>
        <Button component={Link} href="/wall" variant="default" leftSection={<Icon name="wall" />}>
          Watch the wall
        </Button>
        <Button
          component={Link}
          href="/broadcast?source=test&start=1"
          variant="default"
          leftSection={<Icon name="clip" />}
        >
          Send a test pattern
        </Button>
      </div>
      <div className={css.more}>
        <p className={css.captionLine}>
          <span className="caption">Live now</span>
          <Link href="/health">Health</Link>
        </p>
        <dl className={css.facts} data-testid="relay-facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="number">{value ?? UNKNOWN}</dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  );
}

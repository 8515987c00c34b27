import { Button } from '@mantine/core';
import type { RelayTotals } from 'sightwire/api';
import { useMay } from '../api/session';
import { Link } from '../base/Link';
import { formatByteRate, formatCount } from '../components/format';
import { formatPictures } from '../health/numbers';
import { Icon } from '../components/Icon';
import { Entry, EntryFacts } from './Entry';
import css from './Entry.module.css';

/** The way to live streams: sending one, watching all, and how they do. */
export function RelayEntry({ relay, compact }: { relay: RelayTotals | null; compact: boolean }) {
  const maySend = useMay('streamer', 'relay');
  const facts = [
    ['Streams', relay && `${formatCount(relay.streams)} of ${formatCount(relay.max_streams)}`],
    ['Viewers', relay && `${formatCount(relay.viewers)} of ${formatCount(relay.max_viewers)}`],
    ['In', relay && `${formatPictures(relay.frames_in_per_s)} fps`],
    ['Out', relay && `${formatPictures(relay.frames_out_per_s)} fps`],
    ['Bytes out', relay && formatByteRate(relay.bytes_out_per_s)],
    ['Lost', relay && `${relay.lost_percent.toFixed(1)} %`],
  ] as const;
  return (
    <Entry
      id="entry-relay"
      icon="broadcast"
      title="Broadcast and Wall"
      line="Send a camera, a screen or a video live, and watch all streams side by side."
    >
      <div className={css.actions}>
        {maySend && (
          <Button component={Link} href="/broadcast" leftSection={<Icon name="broadcast" />}>
            Broadcast
          </Button>
        )}
        <Button
          component={Link}
          href="/wall"
          variant={maySend ? 'default' : 'filled'}
          leftSection={<Icon name="wall" />}
        >
          Watch the wall
        </Button>
        {maySend && (
          <Button
            component={Link}
            href="/broadcast?source=test&start=1"
            variant="default"
            leftSection={<Icon name="clip" />}
          >
            Try a simulated stream
          </Button>
        )}
      </div>
      {!compact && (
        <div className={css.more}>
          <p className={css.captionLine}>
            <span className="caption">Live now</span>
            <Link href="/health">Health</Link>
          </p>
          <EntryFacts facts={facts} data-testid="relay-facts" />
        </div>
      )}
    </Entry>
  );
}

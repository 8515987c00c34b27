import { Button } from '@mantine/core';
import type { ReaderStatus } from 'sightwire/api';
import { Offer } from '../access/Offer';
import { Link } from '../base/Link';
import { formatCount, spell } from '../components/format';
import { Icon } from '../components/Icon';
import { StateBadge } from '../components/StateBadge';
import { readerStanding } from './readerStanding';
import { Entry, EntryFacts } from './Entry';
import css from './Entry.module.css';

/** The way to the text of pictures, with and without one of one's own. */
export function ReadEntry({
  reader,
  compact,
}: {
  reader: ReaderStatus | undefined;
  compact: boolean;
}) {
  const facts = [
    ['Model', reader?.model],
    ['Provider', reader?.provider == null ? null : spell(reader.provider)],
    ['Pictures read', count(reader?.pictures)],
    ['Reading', count(reader?.reading)],
    ['Waiting', count(reader?.waiting)],
    ['Sessions', count(reader?.sessions)],
  ] as const;
  const standing = readerStanding(reader);
  return (
    <Entry
      id="entry-read"
      icon="scan"
      title="Read text"
      line="Drop scans, photos or screenshots, and get every line of text."
    >
      <Offer role="streamer" use="reading" what="Reading text">
        <div className={css.actions}>
          <Button component={Link} href="/read" leftSection={<Icon name="text" />}>
            Read pictures
          </Button>
          <Button
            component={Link}
            href="/read?sample"
            variant="default"
            leftSection={<Icon name="clip" />}
          >
            Try a sample page
          </Button>
        </div>
      </Offer>
      {!compact && (
        <div className={css.more}>
          <p className={css.captionLine}>
            <span className="caption">Reader</span>
            <StateBadge {...standing} data-testid="reader-state" />
          </p>
          <EntryFacts facts={facts} data-testid="reader-facts" />
        </div>
      )}
    </Entry>
  );
}

function count(value: number | undefined): string | null {
  return value === undefined ? null : formatCount(value);
}

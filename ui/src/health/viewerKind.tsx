import type { LiveViewer } from '../api/live';
import {
  formatByteRate,
  formatCount,
  formatDuration,
  formatMs,
  UNKNOWN,
} from '../components/format';
import { Lost, Two } from './Cells';
import type { Kind } from './kind';
import { formatPictures } from './numbers';
import type { ViewerSort } from './rows';
import { ViewerPanel } from './ViewerPanel';
import { kindOfViewer, qualityOf, watched, wordsOfViewer } from './words';

export const VIEWERS: Kind<LiveViewer, ViewerSort> = {
  what: 'viewer',
  lead: { key: 'streams', name: 'Watches', explain: 'The streams it receives.' },
  state: 'state',
  keyOf: ({ id }) => String(id),
  nameOf: ({ id }) => `viewer ${id}`,
  about: ({ kind, peer, by }) =>
    [
      ...(by === undefined ? [] : [by]),
      kindOfViewer(kind),
      ...(peer === undefined ? [] : [`at ${peer}`]),
    ].join(' · '),
  title: ({ streams, delivered }) => watched(streams, delivered > 0),
  words: wordsOfViewer,
  Panel: ViewerPanel,
  columns: [
    {
      key: 'since',
      name: 'Connected',
      explain: 'Time since it connected.',
      cell: ({ since_s }) => formatDuration(since_s),
    },
    {
      key: 'fps',
      name: 'Receives',
      explain: 'Frames received per second, and their bytes.',
      cell: ({ fps, bytes_per_s }) => (
        <Two below={formatByteRate(bytes_per_s)}>{formatPictures(fps)} fps</Two>
      ),
    },
    {
      key: 'lost',
      name: 'Lost',
      explain:
        'Share of the frames for it in the last 2 s that it was too slow for, and the number since it connected.',
      cell: ({ lost_percent, missed }) => (
        <Two below={`${formatCount(missed)} in total`}>
          <Lost percent={lost_percent} />
        </Two>
      ),
    },
    {
      key: 'quality',
      name: 'Quality',
      explain:
        'Original frames, or re-encoded at this JPEG quality. A viewer that loses many frames gets smaller ones.',
      cell: ({ quality }) => qualityOf(quality),
    },
    {
      key: 'write',
      name: 'Write time',
      explain:
        'Mean time to write one frame to its connection, and the timeout. The timeout follows the measured delay.',
      cell: ({ write_ms, deadline_ms }) => (
        <Two below={deadline_ms === undefined ? ' ' : `of ${formatMs(deadline_ms)} ms`}>
          {write_ms === undefined ? UNKNOWN : `${formatMs(write_ms)} ms`}
        </Two>
      ),
    },
    {
      key: 'rtt',
      name: 'Round trip',
      explain: 'Time for a ping there and back.',
      cell: ({ rtt_ms }) => (rtt_ms === undefined ? UNKNOWN : `${formatMs(rtt_ms)} ms`),
    },
  ],
};

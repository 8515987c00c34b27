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
  lead: { key: 'streams', name: 'Watches', explain: 'The streams that it gets.' },
  state: 'state',
  keyOf: ({ id }) => String(id),
  nameOf: ({ id }) => `viewer ${id}`,
  about: ({ kind, peer }) =>
    [kindOfViewer(kind), ...(peer === undefined ? [] : [`at ${peer}`])].join(' · '),
  title: ({ streams }) => watched(streams),
  words: wordsOfViewer,
  Panel: ViewerPanel,
  columns: [
    {
      key: 'since',
      name: 'Connected',
      explain: 'For how long.',
      cell: ({ since_s }) => formatDuration(since_s),
    },
    {
      key: 'fps',
      name: 'Gets',
      explain: 'Pictures that it gets in a second, and their bytes.',
      cell: ({ fps, bytes_per_s }) => (
        <Two below={formatByteRate(bytes_per_s)}>{formatPictures(fps)} fps</Two>
      ),
    },
    {
      key: 'lost',
      name: 'Lost',
      explain:
        'Of the pictures meant for it over the last 2 s, the share that it was too slow for; and how many since it came.',
      cell: ({ lost_percent, missed }) => (
        <Two below={`${formatCount(missed)} in all`}>
          <Lost percent={lost_percent} />
        </Two>
      ),
    },
    {
      key: 'quality',
      name: 'Quality',
      explain:
        'Pictures as they came, or encoded again in this JPEG quality. A viewer that loses many gets smaller ones.',
      cell: ({ quality }) => qualityOf(quality),
    },
    {
      key: 'write',
      name: 'Hand-over',
      explain:
        'The mean time to hand one picture over to its connection, and after how long it is given up. The deadline follows the measured delay.',
      cell: ({ write_ms, deadline_ms }) => (
        <Two below={deadline_ms === undefined ? ' ' : `of ${formatMs(deadline_ms)} ms`}>
          {write_ms === undefined ? UNKNOWN : `${formatMs(write_ms)} ms`}
        </Two>
      ),
    },
    {
      key: 'rtt',
      name: 'Round trip',
      explain: 'How long a ping takes there and back.',
      cell: ({ rtt_ms }) => (rtt_ms === undefined ? UNKNOWN : `${formatMs(rtt_ms)} ms`),
    },
  ],
};

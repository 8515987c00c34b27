import type { LiveStream } from '../api/live';
import { formatByteRate, formatCount, formatMs, UNKNOWN } from '../components/format';
import { Lost, Two, WithCourse } from './Cells';
import type { Kind } from './kind';
import { formatPictures } from './numbers';
import { leftOut, lostOf, type StreamSort } from './rows';
import { StreamPanel } from './StreamPanel';
import { kindOfStream, wordsOfStream } from './words';

export const STREAMS: Kind<LiveStream, StreamSort> = {
  what: 'stream',
  lead: {
    key: 'name',
    name: 'Stream',
    explain: 'The name that its sender gave it, or the camera’s.',
  },
  state: 'state',
  keyOf: ({ id }) => id,
  nameOf: ({ name }) => name,
  about: kindOfStream,
  words: wordsOfStream,
  Panel: StreamPanel,
  columns: [
    {
      key: 'in',
      name: 'In',
      explain: 'Pictures that come in a second, and their bytes.',
      cell: ({ id, fps, bytes_per_s }) => (
        <WithCourse stream={id} series="in" atLeast={10}>
          <Two below={formatByteRate(bytes_per_s)}>{formatPictures(fps)} fps</Two>
        </WithCourse>
      ),
    },
    {
      key: 'out',
      name: 'Out',
      explain: 'Pictures that go to all of its viewers together in a second, and their bytes.',
      cell: ({ id, fps_out, bytes_out_per_s }) => (
        <WithCourse stream={id} series="out" atLeast={10}>
          <Two below={formatByteRate(bytes_out_per_s)}>{formatPictures(fps_out)} fps</Two>
        </WithCourse>
      ),
    },
    {
      key: 'viewers',
      name: 'Viewers',
      explain: 'Who watches it now.',
      cell: ({ viewers }) => formatCount(viewers),
    },
    {
      key: 'lost',
      name: 'Lost',
      explain:
        'Of the pictures for its viewers over the last 2 s, the share that a viewer was too slow for.',
      cell: (stream) => <Lost percent={lostOf(stream)} />,
    },
    {
      key: 'delay',
      name: 'Delay',
      explain:
        'From a picture’s arrival to its delivery to a viewer: half of them take p50 or less, 95 of 100 take p95 or less.',
      cell: ({ id, delay_ms }) => (
        <WithCourse stream={id} series="delivered" atLeast={5}>
          <Two below={delay_ms === undefined ? ' ' : `p95 ${formatMs(delay_ms.p95)} ms`}>
            {delay_ms === undefined ? UNKNOWN : `${formatMs(delay_ms.p50)} ms`}
          </Two>
        </WithCourse>
      ),
    },
    {
      key: 'left',
      name: 'Left out',
      explain:
        'Pictures that came and were not passed on: damaged ones, and those over relay.max_fps.',
      cell: (stream) => formatCount(leftOut(stream)),
    },
  ],
};

import type { LiveStream } from '../api/live';
import { formatByteRate, formatCount, formatMs, UNKNOWN } from '../components/format';
import { Lost, Two, WithCourse } from './Cells';
import type { Kind } from './kind';
import { formatPictures } from './numbers';
import { lostOf } from '../api/sums';
import { leftOut, type StreamSort } from './rows';
import { StreamPanel } from './StreamPanel';
import { kindOfStream, wordsOfStream } from './words';

export const STREAMS: Kind<LiveStream, StreamSort> = {
  what: 'stream',
  lead: {
    key: 'name',
    name: 'Stream',
    explain: 'The name given by its sender, or the camera’s name.',
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
      explain: 'Frames received per second, and their bytes.',
      cell: ({ id, fps, bytes_per_s }) => (
        <WithCourse stream={id} series="in" atLeast={10}>
          <Two below={formatByteRate(bytes_per_s)}>{formatPictures(fps)} fps</Two>
        </WithCourse>
      ),
    },
    {
      key: 'out',
      name: 'Out',
      explain: 'Frames delivered per second to all its viewers together, and their bytes.',
      cell: ({ id, fps_out, bytes_out_per_s }) => (
        <WithCourse stream={id} series="out" atLeast={10}>
          <Two below={formatByteRate(bytes_out_per_s)}>{formatPictures(fps_out)} fps</Two>
        </WithCourse>
      ),
    },
    {
      key: 'viewers',
      name: 'Viewers',
      explain: 'Number of viewers now.',
      cell: ({ viewers }) => formatCount(viewers),
    },
    {
      key: 'lost',
      name: 'Lost',
      explain:
        'Share of the frames for its viewers in the last 2 s that a viewer was too slow for.',
      cell: (stream) => <Lost percent={lostOf(stream)} />,
    },
    {
      key: 'delay',
      name: 'Delay',
      explain:
        'Time from a frame’s arrival to its delivery to a viewer: half take p50 or less, 95 % take p95 or less.',
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
      name: 'Dropped',
      explain: 'Frames received but not passed on: damaged ones, and those over relay.max_fps.',
      cell: (stream) => formatCount(leftOut(stream)),
    },
  ],
};

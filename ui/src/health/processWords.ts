import type { ClusterProcess, ClusterStatus } from 'sightwire/api';
import { sentenceOf } from '../cameras/state/streamWords';
import { formatByteRate, formatDuration, UNKNOWN } from '../components/format';
import type { Tone } from '../components/StateBadge';
import { formatPictures } from './numbers';
import { count, type Words } from './words';

/** A heartbeat comes every 1.7 s, and is known here with the next of this process. */
const JUST_NOW_S = 4;
/** A process that was not heard of for so long does not count. */
const SILENT_S = 5;

/** How this process stands with the others, and what that means for streams. */
export function wordsOfCluster(cluster: ClusterStatus): Words {
  const { reason } = cluster;
  switch (cluster.state) {
    case 'joining':
      return {
        tone: 'busy',
        icon: 'clock',
        word: 'joining',
        text: 'Redis has not answered yet.',
      };
    case 'connected':
      return { tone: 'ok', icon: 'check', word: 'connected', text: null };
    case 'away':
      return {
        tone: 'bad',
        icon: 'plug',
        word: `away ${formatDuration(cluster.since_s)}`,
        text: `${sentenceOf(`Redis is away: ${reason ?? 'it does not answer'}`)} Streams that are live go on. ${begins(cluster)}`,
      };
    case 'refused':
      return {
        tone: 'bad',
        icon: 'alert',
        word: 'refused',
        text: `${sentenceOf(`this process is not one of them: ${reason ?? 'Redis does not let it take part'}`)} ${begins(cluster)}`,
      };
  }
}

function begins({ when_down: whenDown }: ClusterStatus): string {
  return whenDown === 'accept'
    ? 'New ones are accepted; if another process accepts one of the same name, one of the two is closed when this is over.'
    : 'New ones are refused until this is over.';
}

/** What flows between the processes, in one line. */
export function flow(cluster: ClusterStatus): string {
  const { streams_here: here, streams_elsewhere: elsewhere, pulls } = cluster;
  const watched =
    pulls === 0
      ? 'none of them watched here'
      : `${pulls} of them watched here, ${formatByteRate(cluster.pulled_bytes_per_s)}`;
  const others = elsewhere === 0 ? 'none elsewhere' : `${elsewhere} elsewhere, ${watched}`;
  return `${count(here, 'stream')} here · ${others}`;
}

/** How a process is, as this one knows. */
export function wordsOfProcess(process: ClusterProcess, cluster: ClusterStatus): Words {
  const { reason } = process;
  if (process.is_self) {
    const { tone, icon, word } = wordsOfCluster(cluster);
    if (reason === null && process.draining && tone === 'ok')
      return plain('busy', 'clock', 'draining');
    return reason === null
      ? { tone, icon, word, text: null }
      : { tone: 'warn', icon: 'alert', word, text: sentenceOf(reason) };
  }
  if (cluster.state !== 'connected') return plain('off', 'help', 'not known');
  if (reason === null && process.draining) return plain('busy', 'clock', 'draining');
  if (reason === null) return plain('ok', 'check', 'connected');
  const text = sentenceOf(reason);
  return (process.heard_s ?? SILENT_S) >= SILENT_S
    ? { tone: 'bad', icon: 'plug', word: 'silent', text }
    : { tone: 'warn', icon: 'alert', word: 'unreachable', text };
}

function plain(tone: Tone, icon: Words['icon'], word: string): Words {
  return { tone, icon, word, text: null };
}

/** When a process was heard of. */
export function heard(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  return seconds < JUST_NOW_S ? 'just now' : `${formatDuration(seconds)} ago`;
}

/** What the models of a process can do; where that is not known, why, and what that means. */
export function wordsOfCapacity(fps: number | null) {
  if (fps !== null) return { text: `${formatPictures(fps)} fps`, below: null, why: null };
  return {
    text: UNKNOWN,
    below: 'not measured',
    why: 'No model has analysed enough frames there yet. Cameras are shared out as if it had the average of the others.',
  };
}

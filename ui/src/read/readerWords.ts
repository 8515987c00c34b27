import type { ReaderStatus } from 'sightwire/api';
import { formatPercent, spell } from '../components/format';

/** What reads text, and how it does, in one line. */
export function readerWords(reader: ReaderStatus | undefined): string {
  if (reader === undefined) return 'Finds and reads every line of text in a picture.';
  const { model, state, provider, precision, progress } = reader;
  switch (state) {
    case 'idle':
      return `“${model}” loads with the first picture.`;
    case 'fetching':
      return `“${model}” is downloading${progress === null ? '…' : `: ${formatPercent(progress)} %`}`;
    case 'loading':
      return `“${model}” is loading…`;
    case 'failed':
      return `“${model}” cannot be used.`;
    case 'ready':
      return [
        `“${model}”${provider === null ? '' : ` on ${spell(provider)}`}`,
        ...precisionWords(precision),
      ].join(', ');
  }
}

/** Whether PDF, AVIF and HEIC cannot be read for now; no where nobody has looked yet. */
export function cannotDraw(reader: ReaderStatus | undefined): boolean {
  return reader !== undefined && !reader.drawing.available && reader.drawing.why !== null;
}

function precisionWords(precision: ReaderStatus['precision']): string[] {
  if (precision === null) return [];
  const { detection, recognition } = precision;
  if (detection === recognition) return [spell(detection)];
  return [`finds lines in ${spell(detection)}, reads them in ${spell(recognition)}`];
}

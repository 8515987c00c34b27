import type { ReaderStatus } from 'sightwire/api';
import { Notice } from '../components/Notice';
import { asSentence } from '../read/words';

interface Props {
  drawing: ReaderStatus['drawing'];
}

/** What is missing for PDF, AVIF and HEIC, and what to do, for whoever runs the server; nothing where nothing is. */
export function DrawingNotice({ drawing }: Props) {
  if (drawing.available || drawing.why === null) return null;
  return (
    <Notice
      tone="busy"
      icon="clock"
      title="PDF, AVIF and HEIC pages cannot be read yet"
      data-testid="undrawn"
    >
      {asSentence(drawing.why)}
    </Notice>
  );
}

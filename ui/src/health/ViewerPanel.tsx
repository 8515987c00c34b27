import type { LiveViewer } from '../api/live';
import { formatBytes, formatCount } from '../components/format';
import { ToolButton } from '../components/ToolButton';
import { wordsOfViewer } from './words';
import css from './Panel.module.css';

/** What else is known of a viewer. */
export function ViewerPanel({
  row: viewer,
  onFind,
}: {
  row: LiveViewer;
  onFind: (text: string) => void;
}) {
  const { text } = wordsOfViewer(viewer);
  return (
    <div className={css.panel}>
      {text !== null && <p className={css.why}>{text}</p>}
      <dl className={css.facts}>
        <div>
          <dt>Number</dt>
          <dd className="number">{viewer.id}</dd>
        </div>
        {viewer.by !== undefined && (
          <div>
            <dt>Name</dt>
            <dd>{viewer.by}</dd>
          </div>
        )}
        <div>
          <dt>Requested</dt>
          <dd>
            <code>{viewer.endpoint}</code>
          </dd>
        </div>
        <div>
          <dt>Received in total</dt>
          <dd className="number">
            {formatCount(viewer.delivered)} frames, {formatBytes(viewer.bytes)}
          </dd>
        </div>
        <div>
          <dt>Lost in total</dt>
          <dd className="number">{formatCount(viewer.missed)} frames</dd>
        </div>
      </dl>
      {viewer.streams.length > 0 && (
        <div className={css.actions} role="group" aria-label="Streams watched">
          {viewer.streams.map((stream) => (
            <ToolButton key={stream} icon="search" onClick={() => onFind(stream)}>
              {stream}
            </ToolButton>
          ))}
        </div>
      )}
    </div>
  );
}

import { formatBytes, formatByteRate, formatDuration } from '../components/format';
import { Notice } from '../components/Notice';
import { Progress } from '../components/Progress';
import { StateBadge } from '../components/StateBadge';
import { ToolButton } from '../components/ToolButton';
import bar from './Bar.module.css';
import type { Upload } from './job/useUpload';
import type { Sources } from './sources/useSources';
import { files } from './words';
import css from './UploadBar.module.css';

/** Files on their way to the server, or why they did not get there. */
export function UploadBar({ upload, before }: { upload: Upload } & Pick<Sources, 'before'>) {
  const { sending, trouble, left, again, stop, say, putAway } = upload;
  if (sending !== null) {
    const { bytes, total } = sending;
    const seconds = Math.max(0.001, (sending.atMs - sending.startedMs) / 1000);
    const rate = bytes / seconds;
    const allSent = total > 0 && bytes >= total;
    return (
      <section className={`card ${bar.bar} ${css.bar}`} aria-label="Upload" data-testid="upload">
        <div className={bar.line}>
          <StateBadge tone="busy" icon="up" word="sending" />
          <p className={`number ${bar.facts} ${css.facts}`}>
            <span>{files(sending.files)}</span>
            <span>
              {formatBytes(bytes)} of {formatBytes(total)}
            </span>
            {seconds > 1 && !allSent && <span>{formatByteRate(rate)}</span>}
            {seconds > 1 && !allSent && rate > 0 && (
              <span>{formatDuration(Math.max(1, (total - bytes) / rate))} left</span>
            )}
            {allSent && <span>Waiting for the server…</span>}
          </p>
          <ToolButton icon="stop" variant="default" onClick={stop} data-testid="stop-upload">
            Cancel
          </ToolButton>
        </div>
        <Progress label="Sent" value={total > 0 && !allSent ? bytes / total : null} />
      </section>
    );
  }
  if (trouble === null) {
    return (
      <>
        {left !== null && (
          <Notice
            tone="busy"
            icon="file"
            title={`${files(left.count)} in the folder ${wasOrWere(left.count)} left out`}
            data-testid="left-out"
          >
            <div className={bar.ask}>
              <span>No pictures by their names: {left.kinds}.</span>
              <ToolButton icon="close" onClick={putAway}>
                Dismiss
              </ToolButton>
            </div>
          </Notice>
        )}
        {before !== null && (
          <Notice
            tone="busy"
            icon="file"
            title={`${files(before.count)} ${wasOrWere(before.count)} read already and left out`}
            data-testid="read-before"
          >
            <div className={bar.ask}>
              <span>Unchanged since then, with the same settings.</span>
              <ToolButton icon="retry" variant="default" onClick={before.again}>
                Read {before.count === 1 ? 'it' : 'them'} all the same
              </ToolButton>
              <ToolButton icon="close" onClick={before.putAway}>
                Dismiss
              </ToolButton>
            </div>
          </Notice>
        )}
      </>
    );
  }
  return (
    <Notice
      tone="bad"
      icon="alert"
      title={trouble.title}
      cause={trouble.cause}
      data-testid="upload-trouble"
    >
      <div className={bar.ask}>
        <span>{trouble.text}</span>
        <ToolButton icon="retry" variant="default" onClick={again}>
          Send again
        </ToolButton>
        <ToolButton icon="close" onClick={() => say(null)}>
          Dismiss
        </ToolButton>
      </div>
    </Notice>
  );
}

function wasOrWere(count: number): string {
  return count === 1 ? 'was' : 'were';
}

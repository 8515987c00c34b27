import { formatRate } from '../../components/format';
import { StateBadge } from '../../components/StateBadge';
import { Toggle } from '../../components/Toggle';
import { tileWords } from '../../wall/words';
import type { Preview } from '../usePreview';
import css from './PreviewCard.module.css';

interface Props {
  preview: Preview;
  /** Something is being shared. */
  active: boolean;
  on: boolean;
  onSwitch: (on: boolean) => void;
}

/** The stream as it comes back from the server: what viewers see. */
export function PreviewCard({ preview, active, on, onSwitch }: Props) {
  const { view, nowMs, painted, canvas } = preview;
  const words = view === null ? null : tileWords(view, nowMs, false);
  const live = words?.live === true;
  return (
    <section className={`card ${css.preview}`} aria-labelledby="preview">
      <div className={css.head}>
        <h2 id="preview" className="caption">
          What viewers see
        </h2>
        <Toggle
          aria-label="Show what viewers see"
          checked={on}
          onChange={onSwitch}
          data-testid="preview"
        />
      </div>
      <div className={css.frame} data-live={live || undefined} data-empty={!painted || undefined}>
        <canvas
          ref={canvas}
          className={css.canvas}
          width={16}
          height={9}
          role="img"
          aria-label="The stream as viewers see it"
          data-testid="preview-picture"
        />
        {active && on && words !== null && (
          <span className={css.badge}>
            <StateBadge
              tone={words.tone}
              icon={words.icon}
              word={words.word}
              data-testid="preview-state"
            />
          </span>
        )}
        {!painted && (
          <p className={css.hint}>
            {!on
              ? 'Off. It uses as much traffic as one viewer.'
              : active
                ? 'Waiting for the first frame to come back.'
                : 'Starts when you share something.'}
          </p>
        )}
      </div>
      <p className={`number ${css.note}`}>
        {live && painted
          ? `Received back from the server, ${formatRate(view?.fps ?? null)} fps`
          : ' '}
      </p>
    </section>
  );
}

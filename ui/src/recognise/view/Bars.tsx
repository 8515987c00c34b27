import { type CSSProperties, useCallback, useRef } from 'react';
import { formatPercent } from '../../components/format';
import type { Session } from '../session';
import { classColour } from './classColour';
import { useFrameLoop } from './useFrameLoop';
import css from './Bars.module.css';

const TEXT_EVERY_MS = 200;

interface Props {
  session: Session;
  labels: readonly string[];
  active: boolean;
  threshold: number;
  /** The newest result is old. */
  stale: boolean;
  /** The label that is shown large. */
  shown: string | null;
}

/** One bar for each class. Bars move on animation frames, past React; numbers change slower. */
export function Bars({ session, labels, active, threshold, stale, shown }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const textMs = useRef(0);
  const draw = useCallback(
    (nowMs: number) => {
      const rows = list.current?.children ?? [];
      const texts = !active || nowMs - textMs.current >= TEXT_EVERY_MS;
      if (texts) textMs.current = nowMs;
      for (let n = 0; n < rows.length; n += 1) {
        const score = session.scores?.[n] ?? 0;
        const [fill, text] = rows[n]?.querySelectorAll<HTMLElement>('[data-part]') ?? [];
        if (fill !== undefined) fill.style.transform = `scaleX(${score.toFixed(3)})`;
        if (text !== undefined && texts) {
          text.textContent = session.scores === null ? '–' : formatPercent(score);
        }
      }
    },
    [session, active],
  );
  useFrameLoop(active, 60, draw);

  return (
    <section className={`card ${css.card}`} aria-label="Confidence of each class">
      <ul
        ref={list}
        className={css.bars}
        data-testid="bars"
        data-stale={stale || undefined}
        data-many={labels.length > 10 || undefined}
        style={{ '--threshold': `${threshold * 100}%` } as CSSProperties}
      >
        {labels.map((label, n) => (
          <li key={label} className={css.row} data-shown={label === shown || undefined}>
            <span className={css.name}>{label}</span>
            <span className={css.track} style={{ color: classColour(labels, n) }}>
              <span data-part="fill" className={css.fill} />
            </span>
            <span data-part="text" className={`number ${css.value}`} />
          </li>
        ))}
      </ul>
    </section>
  );
}

import { useReducedMotion } from '@mantine/hooks';
import {
  type CSSProperties,
  type ReactNode,
  useCallback,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { formatCount, formatPercent, UNKNOWN } from '../../components/format';
import { labelWords } from '../../components/labelWords';
import type { Session } from '../session';
import { classColour } from './classColour';
import { Ranking } from './ranking';
import { useFrameLoop } from './useFrameLoop';
import css from './Bars.module.css';

const TEXT_EVERY_MS = 200;
const GLIDE_MS = 250;

interface Props {
  session: Session;
  labels: readonly string[];
  /** How many are listed; with fewer than there are, the likeliest. */
  count: number;
  active: boolean;
  threshold: number;
  /** The newest result is old. */
  stale: boolean;
  /** The label that is shown large. */
  shown: string | null;
  /** Chooses how many are listed. */
  choice: ReactNode;
}

/** One bar for each class. Bars move on animation frames, past React; numbers change slower. */
export function Bars(props: Props) {
  const { session, labels, count, active, threshold, stale, shown, choice } = props;
  const list = useRef<HTMLUListElement>(null);
  const textMs = useRef(0);
  const ranking = useMemo(() => new Ranking(labels.length), [labels]);
  const all = useMemo(() => labels.map((_, n) => n), [labels]);
  const longest = useMemo(() => Math.max(0, ...labels.map((label) => label.length)), [labels]);
  const [ranked, setRanked] = useState<{ of: Ranking; order: readonly number[] } | null>(null);
  // Another model starts with the labels in its own order.
  const known = ranked?.of === ranking ? ranked.order : all;
  const order = useMemo(
    () => (count < labels.length ? known.slice(0, count) : all),
    [known, all, count, labels],
  );

  const paint = useCallback(
    (texts: boolean) => {
      const { scores } = session;
      for (const row of list.current?.children ?? []) {
        const score = scores?.[Number(row.getAttribute('data-label'))] ?? 0;
        const [fill, text] = row.querySelectorAll<HTMLElement>('[data-part]');
        if (fill !== undefined) fill.style.transform = `scaleX(${score.toFixed(3)})`;
        if (text !== undefined && texts) {
          text.textContent = scores === null ? UNKNOWN : formatPercent(score);
        }
      }
    },
    [session],
  );
  const draw = useCallback(
    (nowMs: number) => {
      if (session.scores !== null && count < labels.length) {
        const next = ranking.update(session.scores, nowMs, labels.length);
        setRanked((now) =>
          now?.of === ranking && sameTop(now.order, next, count)
            ? now
            : { of: ranking, order: next },
        );
      }
      const texts = !active || nowMs - textMs.current >= TEXT_EVERY_MS;
      if (texts) textMs.current = nowMs;
      paint(texts);
    },
    [session, active, ranking, labels, count, paint],
  );
  useFrameLoop(active, 60, draw);
  useGlide(list, order);
  // A row that has just come is filled before it is seen.
  useLayoutEffect(() => paint(true), [paint, order]);

  const many = count === labels.length && labels.length > 10;
  return (
    <section className={`card ${css.card}`} aria-labelledby="bars">
      <div className={css.head}>
        <h2 id="bars" className="caption">
          {heading(count, labels.length)}
        </h2>
        {choice}
      </div>
      {labels.length === 0 && <p className={css.empty}>Labels appear once the model is loaded.</p>}
      <ul
        ref={list}
        className={css.bars}
        data-testid="bars"
        data-stale={stale || undefined}
        data-many={many || undefined}
        style={
          { '--threshold': `${threshold * 100}%`, '--longest': `${longest}ch` } as CSSProperties
        }
      >
        {order.map((n) => (
          <li
            key={labels[n]}
            className={css.row}
            data-label={n}
            data-shown={labels[n] === shown || undefined}
          >
            <span className={css.name} title={labels[n]}>
              {labelWords(labels[n] ?? '')}
            </span>
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

function heading(count: number, labels: number): string {
  return count < labels
    ? `Top ${count} of ${formatCount(labels)} labels`
    : 'Confidence of each label';
}

function sameTop(a: readonly number[], b: readonly number[], count: number): boolean {
  for (let n = 0; n < count; n += 1) if (a[n] !== b[n]) return false;
  return true;
}

/** Rows that change places glide there, so that the eye can follow them. */
function useGlide(list: { current: HTMLUListElement | null }, order: readonly number[]): void {
  const calm = useReducedMotion();
  const before = useRef<readonly number[]>([]);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = order;
    const rows = list.current?.children ?? [];
    if (calm || old.length !== order.length) return;
    order.forEach((label, to) => {
      const from = old.indexOf(label);
      const row = rows[to];
      if (row === undefined || from === to) return;
      const start =
        from < 0
          ? { opacity: 0 }
          : { transform: `translateY(${(from - to) * row.clientHeight}px)` };
      row.animate([start, {}], { duration: GLIDE_MS, easing: 'ease-out' });
    });
  }, [list, order, calm]);
}

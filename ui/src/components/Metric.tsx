import { Tooltip } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Course } from './Course';
import { stepped, told } from './coursePoint';
import { UNKNOWN } from './format';
import { Sparkline } from './Sparkline';
import css from './Metric.module.css';

export interface Value {
  text: string;
  unit?: string;
  /** A small word before the number, such as p50. */
  name?: string;
  'data-testid'?: string;
}

interface Props {
  caption: string;
  /** How it is measured; shown on hover, focus and touch. */
  explain: string;
  values: readonly Value[];
  note?: ReactNode;
  history: readonly (number | null)[];
  /** How many values fill the width. */
  length?: number;
  atLeast?: number;
  /** With these the course tells what was when; a value with its unit. */
  stepS?: number;
  newestS?: number | null;
  said?: (value: number) => string;
}

/** A number that matters: caption, value with unit, course. It never changes its size. */
export function Metric(props: Props) {
  const { caption, explain, values, note, history, length = 60, atLeast = 1 } = props;
  const { stepS, newestS = null, said } = props;
  const [share, setShare] = useState<number | null>(null);
  const chart = stepS === undefined ? null : { history, length, stepS, newestS };
  const read = chart === null || said === undefined ? null : told(share, chart, said);
  return (
    <Tooltip label={explain} openDelay={500} disabled={read !== null}>
      <div
        className={`card ${css.metric}`}
        tabIndex={0}
        role="group"
        aria-label={caption}
        onKeyDown={(event) => {
          const next = chart === null ? null : stepped(share, event.key, length);
          if (next === null) return;
          event.preventDefault();
          setShare(next);
        }}
        onBlur={() => setShare(null)}
      >
        <span className={`caption ${css.caption}`}>{caption}</span>
        <div className={css.values}>
          {values.map((value) => (
            <span key={value.name ?? value.unit ?? ''} className={css.value}>
              {value.name !== undefined && <span className={css.name}>{value.name}</span>}
              <span
                className={`number ${css.text}`}
                data-unknown={value.text === UNKNOWN || undefined}
                data-testid={value['data-testid']}
              >
                {value.text}
              </span>
              {value.unit !== undefined && <span className={css.unit}>{value.unit}</span>}
            </span>
          ))}
        </div>
        <div className={css.note}>{read ?? note}</div>
        <div className={css.spark}>
          {chart === null ? (
            <Sparkline values={history} length={length} atLeast={atLeast} />
          ) : (
            <Course chart={chart} atLeast={atLeast} share={share} onPoint={setShare} />
          )}
        </div>
      </div>
    </Tooltip>
  );
}

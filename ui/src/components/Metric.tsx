import { Tooltip } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Course } from './Course';
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
  /** With these the course tells what was when; seconds from one value to the next, and a value with its unit. */
  stepS?: number;
  said?: (value: number) => string;
}

/** A number that matters: caption, value with unit, course. It never changes its size. */
export function Metric(props: Props) {
  const { caption, explain, values, note, history, length = 60, atLeast = 1, stepS, said } = props;
  const [read, setRead] = useState<string | null>(null);
  return (
    <Tooltip label={explain} openDelay={500} disabled={read !== null}>
      <div className={`card ${css.metric}`} tabIndex={0} role="group" aria-label={caption}>
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
          {stepS === undefined || said === undefined ? (
            <Sparkline values={history} length={length} atLeast={atLeast} />
          ) : (
            <Course {...{ values: history, length, atLeast, stepS, said }} onRead={setRead} />
          )}
        </div>
      </div>
    </Tooltip>
  );
}

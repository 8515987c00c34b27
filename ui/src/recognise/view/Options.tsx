import type { ReactNode } from 'react';
import { CopyButton } from '../../components/CopyButton';
import { formatPercent } from '../../components/format';
import { Setting } from '../../components/Setting';
import { Toggle } from '../../components/Toggle';
import { MOST_STEADY } from '../logic/settings';
import css from './Options.module.css';

interface Props {
  /** Null for the model's own. */
  threshold: number | null;
  defaultThreshold: number;
  onThreshold: (threshold: number | null) => void;
  /** How many equal predictions in a row make a word; null for the usual number. */
  steady: number | null;
  defaultSteady: number;
  onSteady: (steady: number | null) => void;
  mirror: boolean;
  onMirror: (mirror: boolean) => void;
  /** The model's labels for “nothing happens”; they are words only on request. */
  restLabels: readonly string[];
  rest: boolean;
  onRest: (rest: boolean) => void;
  children?: ReactNode;
}

/** How the results are shown and the picture is sent. Everything acts at once. */
export function Options(props: Props) {
  const { threshold, defaultThreshold, steady, defaultSteady, restLabels } = props;
  const rest = restLabels.map((label) => `“${label}”`).join(', ');
  return (
    <section className={`card ${css.options}`} aria-label="Options">
      <Setting
        id="threshold"
        name="Threshold"
        explain="Labels with a lower confidence are shown as “none”. This changes only this page, not what other clients get."
        value={threshold}
        usual={defaultThreshold}
        most={1}
        step={0.01}
        format={(value) => `${formatPercent(value)} %`}
        note="the model’s default"
        onChange={props.onThreshold}
      />
      <Setting
        id="steady"
        name="Steadiness"
        explain="Number of equal predictions in a row that make a word. Higher means fewer wrong words, but signs must be held longer; there are up to 25 predictions per second."
        value={steady}
        usual={defaultSteady}
        least={1}
        most={MOST_STEADY}
        step={1}
        note="predictions per word"
        onChange={props.onSteady}
      />
      {props.children}
      <div className={css.row}>
        <div className={css.switches}>
          <Toggle
            label="Mirror image"
            explain="Flips the video, both what you see and what is sent, so that “left” is your own left in front of a camera. On for cameras, off for files and clips."
            checked={props.mirror}
            onChange={props.onMirror}
            data-testid="mirror"
          />
          {restLabels.length > 0 && (
            <Toggle
              label={`Count ${rest} as a word`}
              explain={`${rest} means that nothing happens. When off, it only ends a word.`}
              checked={props.rest}
              onChange={props.onRest}
              data-testid="rest"
            />
          )}
        </div>
        <CopyButton text={() => location.href} what="the address of this view" label="Copy link" />
      </div>
    </section>
  );
}

import { NativeSelect, SegmentedControl, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ReadLimits } from 'sightwire/api';
import { Command } from '../../components/Command';
import { CopyButton } from '../../components/CopyButton';
import { formatCount } from '../../components/format';
import { Setting } from '../../components/Setting';
import { Toggle } from '../../components/Toggle';
import { ToolButton } from '../../components/ToolButton';
import {
  formatOptions,
  PREPARATIONS,
  RANGE_NAMES,
  type RangeName,
  RANGES,
  type ReadOptions,
  sliderOf,
  USUAL,
  valueAt,
} from '../options';
import { KEEPS, type Preferences, SIDES, upTo } from '../preferences';
import type { TextModels } from './textModels';
import css from './SettingsPanel.module.css';

interface Props {
  options: ReadOptions;
  onOptions: (part: Partial<ReadOptions>) => void;
  preferences: Preferences;
  onPreferences: (part: Partial<Preferences>) => void;
  /** What the server allows; undefined while it is not known. */
  limits: ReadLimits | undefined;
  models: TextModels;
  /** Before and after can be compared: there is a picture. */
  mayCompare: boolean;
  compare: boolean;
  onCompare: (on: boolean) => void;
}

const SWITCH_WORDS = {
  perspective: [
    'Straighten perspective',
    'Finds the page in a photograph and reads it as if seen from straight above. What is around it is not read.',
  ],
  deskew: [
    'Straighten',
    'Rotates the picture so that its lines are level. For crooked scans and photos.',
  ],
  contrast: [
    'Enhance contrast',
    'Evens out light and shade (CLAHE). For shadows, faded ink, uneven light.',
  ],
  denoise: ['Reduce noise', 'Smooths grain and keeps edges. For dark photos and old scans.'],
  angle: [
    'Turn upside-down lines',
    'Turns a page on its side or head, and a line that is upside down.',
  ],
} as const;

const RANGE_WORDS: Record<RangeName, [name: string, explain: string]> = {
  threshold: [
    'Text threshold',
    'Pixels with at least this probability count as text. Lower finds faint text, but also more that is not text.',
  ],
  boxThreshold: [
    'Line threshold',
    'Lines whose pixels have at least this average text probability are kept. Lower finds more lines.',
  ],
  unclip: [
    'Outline margin',
    'How far a line’s outline is expanded. Higher helps when line ends are cut off.',
  ],
  maxSide: [
    'Detection size',
    'Larger pictures are scaled down to this size to find lines; the text is read from the original. Higher finds smaller print but takes longer.',
  ],
  maxCandidates: ['Max candidates', 'How many lines are read at most: of more, the largest.'],
  minDetectionSize: [
    'Min detection size',
    'Lines whose outline is lower, in pixels of the picture, are not read.',
  ],
};

const KEEP_WORDS: Partial<Record<number, string>> = {
  5: '5: small, < 8 GB',
  10: '10: normal',
  20: '20: large, > 16 GB',
};

function inWords(name: RangeName, value: number): string {
  if (name === 'maxCandidates') {
    return value === RANGES.maxCandidates.most ? 'all' : formatCount(value);
  }
  const number = value.toFixed(RANGES[name].digits);
  return name === 'maxSide' || name === 'minDetectionSize' ? `${number} px` : number;
}

/** How files are read and shown. Everything acts at once; the picture shown is read again. */
export function SettingsPanel(props: Props) {
  const { options, onOptions, preferences, onPreferences } = props;
  const { display_size: mostSide, keep_pictures: mostKept } = props.limits ?? {};
  const [sides, keeps] = [upTo(mostSide, SIDES), upTo(mostKept, KEEPS)];
  const changed = Object.keys(formatOptions(options)).length > 0;
  const prepares = PREPARATIONS.some((name) => options[name]);
  const toggle = (name: keyof typeof SWITCH_WORDS) => {
    const [word, explain] = SWITCH_WORDS[name];
    return (
      <Toggle
        key={name}
        label={word}
        explain={explain}
        position="top-start"
        checked={options[name]}
        onChange={(on) => onOptions({ [name]: on })}
        data-testid={name}
      />
    );
  };
  return (
    <div className={css.settings} data-testid="settings">
      <Group title="Model">
        <ModelChoice {...props} />
      </Group>
      <Group title="Preprocessing">
        <div className={css.switches}>{PREPARATIONS.map(toggle)}</div>
        <Toggle
          label="Compare before and after"
          disabled={!prepares || !props.mayCompare}
          checked={props.compare && prepares}
          onChange={props.onCompare}
          data-testid="compare"
        />
      </Group>
      <Group title="Line detection">
        <div className={css.ranges}>
          {RANGE_NAMES.map((name) => {
            const [word, explain] = RANGE_WORDS[name];
            return (
              <Setting
                key={name}
                id={name}
                name={word}
                explain={explain}
                value={options[name] === USUAL[name] ? null : options[name]}
                usual={USUAL[name]}
                {...sliderOf(name)}
                format={(value) => inWords(name, value)}
                note="default"
                onChange={(place) =>
                  onOptions({ [name]: place === null ? USUAL[name] : valueAt(name, place) })
                }
              />
            );
          })}
        </div>
        {toggle('angle')}
      </Group>
      <Group title="This browser">
        <Choice
          name="Display size"
          explain="The longer side of the copy that the server makes for display. Reading always uses the original."
        >
          <SegmentedControl
            aria-label="Longer side of the display copy, in px"
            className={css.choice ?? ''}
            value={String(preferences.side)}
            onChange={(value) => onPreferences({ side: Number(value) })}
            data={sides.map(String)}
            data-testid="side"
          />
        </Choice>
        {sides.at(-1) !== SIDES.at(-1) && (
          <p className={css.limit} data-testid="side-limit">
            This server makes copies of at most {mostSide} px (<code>reader.display_size</code>).
          </p>
        )}
        <Choice
          name="Pictures kept"
          explain="How many pictures the server keeps, for the next batches: fewer on a small machine with less than 8 GB, more on a large one with more than 16 GB. Texts are always kept."
        >
          <NativeSelect
            aria-label="Pictures kept"
            value={String(preferences.keep)}
            onChange={(event) => onPreferences({ keep: Number(event.currentTarget.value) })}
            data={keeps.map((keep) => ({
              value: String(keep),
              label: KEEP_WORDS[keep] ?? String(keep),
            }))}
            data-testid="keep"
          />
        </Choice>
        {keeps.at(-1) !== KEEPS.at(-1) && (
          <p className={css.limit} data-testid="keep-limit">
            This server keeps at most {mostKept} (<code>reader.keep_pictures</code>).
          </p>
        )}
      </Group>
      <div className={css.end}>
        <ToolButton
          icon="retry"
          disabled={!changed}
          onClick={() => onOptions(USUAL)}
          data-testid="reset-options"
        >
          Reset all
        </ToolButton>
        <CopyButton text={() => location.href} what="the address of this view" label="Copy link" />
      </div>
    </div>
  );
}

function ModelChoice({ options, onOptions, models }: Props) {
  const { ready, missing, usual } = models;
  const unknown =
    options.model !== null && !ready.some(({ name }) => name === options.model)
      ? options.model
      : null;
  return (
    <>
      <NativeSelect
        aria-label="Model"
        value={options.model ?? ''}
        onChange={(event) => onOptions({ model: event.currentTarget.value || null })}
        data={[
          { value: '', label: usual === null ? 'The server’s default' : `${usual} (default)` },
          ...ready
            .filter(({ name }) => name !== usual)
            .map(({ name, title }) => ({ value: name, label: `${title} (${name})` })),
          ...(unknown === null ? [] : [{ value: unknown, label: `${unknown} (not installed)` }]),
        ]}
        data-testid="model"
      />
      {missing.length > 0 && (
        <details className={css.missing}>
          <summary>
            {missing.length} more {missing.length === 1 ? 'model' : 'models'} to download
          </summary>
          <ul>
            {missing.map(({ name, title }) => (
              <li key={name}>
                <span>{title}</span>
                <Command text={`sightwire models pull ${name}`} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={css.group} aria-label={title}>
      <h3 className="caption">{title}</h3>
      {children}
    </section>
  );
}

function Choice(props: { name: string; explain: string; children: ReactNode }) {
  return (
    <div className={css.row}>
      <Tooltip label={props.explain}>
        <span className={css.rowName} tabIndex={0}>
          {props.name}
        </span>
      </Tooltip>
      {props.children}
    </div>
  );
}

import { SegmentedControl } from '@mantine/core';
import type { DetectorStatus } from 'sightwire/api';
import { CopyButton } from '../../components/CopyButton';
import { formatPercent } from '../../components/format';
import { Setting } from '../../components/Setting';
import { Toggle } from '../../components/Toggle';
import { ToolButton } from '../../components/ToolButton';
import { ModelNote } from './ModelNote';
import {
  DEFAULTS,
  formatSettings,
  MOST_FPS,
  MOST_SKIP,
  type Settings,
  USUAL_FPS,
  usualSkip,
  VIEWS,
  type View,
} from './settings';
import css from './Options.module.css';

interface Props {
  settings: Settings;
  onChange: (change: Partial<Settings>) => void;
  detector: DetectorStatus | undefined;
}

const NAMES: Record<View, string> = { plain: 'Video', detect: 'Objects', tracking: 'Tracks' };
const USUAL_CONFIDENCE = 0.25;

/** As the camera sends it, with what is found, or with that followed from picture to picture. */
export function ViewChoice({ settings, onChange }: Omit<Props, 'detector'>) {
  return (
    <SegmentedControl
      aria-label="View"
      className={css.views ?? ''}
      value={settings.view}
      // Skip is usually another number for tracks than for objects.
      onChange={(view) => onChange({ view, skip: null })}
      data={VIEWS.map((value) => ({ value, label: NAMES[value] }))}
      data-testid="view"
    />
  );
}

/** How objects are looked for and shown. Everything acts at once, and stands in the address. */
export function Options({ settings, onChange, detector }: Props) {
  const { view, confidence, fps, skip } = settings;
  const usualConfidence = detector?.confidence ?? USUAL_CONFIDENCE;
  const changed = formatSettings({ ...settings, view: DEFAULTS.view }) !== '';
  return (
    <section className={`card ${css.options}`} aria-label="Options">
      {view === 'plain' ? (
        <p className={css.plain}>
          The video is passed on as the camera sends it, without detection. Choose Objects or Tracks
          to detect objects.
        </p>
      ) : (
        <>
          <ModelNote detector={detector} />
          <Setting
            id="confidence"
            name="Confidence"
            explain="Objects with a lower confidence are hidden. This changes only your view and needs no second analysis."
            value={confidence}
            usual={usualConfidence}
            most={1}
            step={0.01}
            format={(value) => `${formatPercent(value)} %`}
            note="the server’s default"
            onChange={(next) => onChange({ confidence: next })}
          />
          <Setting
            id="fps"
            name="Frame rate"
            explain="Frames per second that you receive. Viewers with the same “Frame rate” and “Analysed” share one analysis."
            value={fps}
            usual={USUAL_FPS}
            least={1}
            most={MOST_FPS}
            step={1}
            note="fps"
            onChange={(next) => onChange({ fps: next })}
          />
          <Setting
            id="skip"
            name="Analysed"
            explain="Analyses every n-th frame. In between, boxes move on with the objects. Higher means less work for the server."
            value={skip}
            usual={usualSkip(view)}
            least={1}
            most={MOST_SKIP}
            step={1}
            format={(value) => `1 in ${value}`}
            note={(skip ?? usualSkip(view)) === 1 ? 'every frame' : 'frames'}
            onChange={(next) => onChange({ skip: next })}
          />
        </>
      )}
      <div className={css.row}>
        {view !== 'plain' && (
          <div className={css.switches}>
            <Toggle
              label="Labels"
              explain="Name and confidence next to each box."
              checked={settings.labels}
              onChange={(on) => onChange({ labels: on })}
              data-testid="labels"
            />
            {view === 'tracking' && (
              <Toggle
                label="Trails"
                explain="Where each object was during the last seconds."
                checked={settings.trails}
                onChange={(on) => onChange({ trails: on })}
                data-testid="trails"
              />
            )}
          </div>
        )}
        <span className={css.end}>
          <ToolButton
            icon="retry"
            disabled={!changed}
            onClick={() => onChange({ ...DEFAULTS, view })}
            data-testid="reset-all"
          >
            Reset all
          </ToolButton>
          <CopyButton
            text={() => location.href}
            what="the address of this view"
            label="Copy link"
          />
        </span>
      </div>
    </section>
  );
}

import { CopyButton } from '../../components/CopyButton';
import { Setting } from '../../components/Setting';
import { ToolButton } from '../../components/ToolButton';
import { FPS, QUALITY, type Settings, WIDTH } from '../settings';
import css from './Options.module.css';

interface Props {
  settings: Settings;
  onChange: (change: Partial<Settings>) => void;
}

/** What is sent. Everything acts at once, and stands in the address. */
export function Options({ settings, onChange }: Props) {
  const { fps, quality, widthPx } = settings;
  const changed = fps !== null || quality !== null || widthPx !== null;
  const chosen = (value: number | null, usual: number) => (value === usual ? null : value);
  return (
    <section className={`card ${css.options}`} aria-label="Options">
      <Setting
        id="fps"
        name="Frame rate"
        explain="Maximum frames per second. Fewer are sent when the network is too slow: the newest always goes first, and nothing queues."
        {...FPS}
        value={fps}
        note="fps"
        onChange={(next) => onChange({ fps: chosen(next, FPS.usual) })}
      />
      <Setting
        id="quality"
        name="Quality"
        explain="JPEG quality. Half the quality is about half the traffic, with less sharp edges."
        {...QUALITY}
        value={quality}
        format={(value) => `${value} %`}
        note="JPEG"
        onChange={(next) => onChange({ quality: chosen(next, QUALITY.usual) })}
      />
      <Setting
        id="width"
        name="Width"
        explain="Wider frames are scaled down before they are sent, keeping their aspect ratio. Smaller ones are sent unchanged."
        {...WIDTH}
        value={widthPx}
        note="pixels at most"
        onChange={(next) => onChange({ widthPx: chosen(next, WIDTH.usual) })}
      />
      <div className={css.row}>
        <ToolButton
          icon="retry"
          disabled={!changed}
          onClick={() => onChange({ fps: null, quality: null, widthPx: null })}
          data-testid="reset-all"
        >
          Reset all
        </ToolButton>
        <CopyButton text={() => location.href} what="the address of this page" label="Copy link" />
      </div>
    </section>
  );
}

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
        name="Rate"
        explain="Pictures a second at most. Fewer are sent where the network does not take them: the newest one wins, and nothing queues."
        value={fps ?? FPS.usual}
        initial={FPS.usual}
        least={FPS.least}
        most={FPS.most}
        step={FPS.step}
        format={(value) => `${value}`}
        changed={fps !== null}
        usual="pictures a second"
        onChange={(next) => onChange({ fps: chosen(next, FPS.usual) })}
      />
      <Setting
        id="quality"
        name="Quality"
        explain="Of the JPEG. Half the quality is about half the traffic, and lines become less sharp."
        value={quality ?? QUALITY.usual}
        initial={QUALITY.usual}
        least={QUALITY.least}
        most={QUALITY.most}
        step={QUALITY.step}
        format={(value) => `${value} %`}
        changed={quality !== null}
        usual="of the JPEG"
        onChange={(next) => onChange({ quality: chosen(next, QUALITY.usual) })}
      />
      <Setting
        id="width"
        name="Width"
        explain="Wider pictures are made smaller before they are sent, in their own shape. A smaller one stays as it is."
        value={widthPx ?? WIDTH.usual}
        initial={WIDTH.usual}
        least={WIDTH.least}
        most={WIDTH.most}
        step={WIDTH.step}
        format={(value) => `${value}`}
        changed={widthPx !== null}
        usual="pixels at most"
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

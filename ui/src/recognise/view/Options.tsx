import { Button, Slider, Switch, Tooltip } from '@mantine/core';
import { CopyButton } from '../../components/CopyButton';
import { formatPercent } from '../../components/format';
import { Icon } from '../../components/Icon';
import css from './Options.module.css';

interface Props {
  threshold: number;
  /** The server's own, which is what Reset goes back to. */
  defaultThreshold: number;
  changed: boolean;
  onThreshold: (threshold: number | null) => void;
  mirror: boolean;
  onMirror: (mirror: boolean) => void;
}

/** How the results are shown and the picture is sent. Everything acts at once. */
export function Options(props: Props) {
  const { threshold, defaultThreshold, changed, onThreshold, mirror, onMirror } = props;
  return (
    <section className={`card ${css.options}`} aria-label="Options">
      <div className={css.threshold}>
        <Tooltip label="Labels below it are shown as “none”. It changes only what this page shows, not what other clients get.">
          <span className={css.name} id="threshold-name" tabIndex={0}>
            Threshold
          </span>
        </Tooltip>
        <Slider
          className={css.slider}
          min={0}
          max={1}
          step={0.01}
          value={threshold}
          onChange={onThreshold}
          label={null}
          size="sm"
          thumbSize={20}
          marks={[{ value: defaultThreshold }]}
          thumbProps={{ 'aria-labelledby': 'threshold-name' }}
          data-testid="threshold"
        />
        <span className={`number ${css.value}`}>{formatPercent(threshold)} %</span>
        <span className={css.default}>
          {changed ? (
            <Button
              variant="subtle"
              color="gray"
              px="sm"
              leftSection={<Icon name="retry" size={16} />}
              onClick={() => onThreshold(null)}
            >
              Reset to {formatPercent(defaultThreshold)} %
            </Button>
          ) : (
            'the server’s default'
          )}
        </span>
      </div>
      <div className={css.row}>
        <Tooltip label="Flips the picture, both the one you see and the one that is sent: so that “left” is your own left in front of a camera. On for cameras, off for files and clips.">
          <Switch
            label="Mirror (as in a mirror)"
            className={css.mirror}
            checked={mirror}
            onChange={(event) => onMirror(event.currentTarget.checked)}
            data-testid="mirror"
          />
        </Tooltip>
        <CopyButton text={() => location.href} what="the address of this view" label="Copy link" />
      </div>
    </section>
  );
}

import { Button, Slider, Tooltip } from '@mantine/core';
import { Icon } from './Icon';
import css from './Setting.module.css';

interface Props {
  id: string;
  name: string;
  /** What it does; shown on hover, focus and touch. */
  explain: string;
  /** Null while it is the usual one. */
  value: number | null;
  usual: number;
  least?: number;
  most: number;
  step: number;
  format?: (value: number) => string;
  /** What is said of it while it is the usual one. */
  note: string;
  onChange: (value: number | null) => void;
}

/** A number to slide, with its default and the way back to it. */
export function Setting(props: Props) {
  const { id, name, explain, usual, least = 0, most, step, format = String } = props;
  const value = props.value ?? usual;
  // A value from an address may lie beyond the slider.
  const place = (one: number) => Math.min(most, Math.max(least, one));
  return (
    <div className={css.setting}>
      <Tooltip label={explain}>
        <span className={css.name} id={`${id}-name`} tabIndex={0}>
          {name}
        </span>
      </Tooltip>
      <Slider
        className={css.slider}
        min={least}
        max={most}
        step={step}
        value={place(value)}
        onChange={props.onChange}
        label={null}
        size="sm"
        thumbSize={20}
        marks={[{ value: place(usual) }]}
        thumbProps={{ 'aria-labelledby': `${id}-name` }}
        thumbValueText={() => format(value)}
        data-testid={id}
      />
      <span className={`number ${css.value}`}>{format(value)}</span>
      <span className={css.default}>
        {props.value !== null ? (
          <Button
            variant="subtle"
            color="gray"
            px="sm"
            leftSection={<Icon name="retry" size={16} />}
            onClick={() => props.onChange(null)}
          >
            Reset to {format(usual)}
          </Button>
        ) : (
          props.note
        )}
      </span>
    </div>
  );
}

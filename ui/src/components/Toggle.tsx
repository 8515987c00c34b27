import { Switch, type SwitchProps, Tooltip, type TooltipProps } from '@mantine/core';
import css from './Toggle.module.css';

interface Props extends Pick<SwitchProps, 'label' | 'aria-label' | 'disabled'> {
  /** What it does; shown on hover, focus and touch. */
  explain?: string;
  /** Where the explanation stands. */
  position?: TooltipProps['position'];
  checked: boolean;
  onChange: (on: boolean) => void;
  'data-testid': string;
}

/** A switch, as high as other controls. It acts at once. */
export function Toggle({ explain, position = 'top', onChange, ...rest }: Props) {
  const toggle = (
    <Switch
      {...rest}
      className={css.switch ?? ''}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
  return explain === undefined ? (
    toggle
  ) : (
    <Tooltip label={explain} position={position}>
      {toggle}
    </Tooltip>
  );
}

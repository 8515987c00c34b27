import { Button, type ButtonProps } from '@mantine/core';
import type { ComponentProps, ReactNode } from 'react';
import { Icon, type IconName } from './Icon';
import css from './ToolButton.module.css';

interface Props extends Omit<ComponentProps<'button'>, 'color' | 'style' | 'onClick'> {
  icon: IconName;
  children: ReactNode;
  onClick: () => void;
  disabled?: boolean;
  variant?: ButtonProps['variant'];
}

/**
 * A quiet button with an icon. Switched off it stays where it is and keeps the focus, so that a
 * person who has just pressed it is not thrown out.
 */
export function ToolButton({ icon, children, onClick, disabled = false, ...rest }: Props) {
  const { variant = 'subtle', ...others } = rest;
  return (
    <Button
      variant={variant}
      color="gray"
      px="sm"
      leftSection={<Icon name={icon} size={16} />}
      classNames={{ root: css.button ?? '', section: css.icon ?? '' }}
      {...others}
      aria-disabled={disabled}
      onClick={disabled ? undefined : onClick}
    >
      {children}
    </Button>
  );
}

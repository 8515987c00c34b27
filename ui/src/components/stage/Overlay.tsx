import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Details } from '../Details';
import { Icon, type IconName } from '../Icon';
import { Sign } from '../Sign';
import css from './Overlay.module.css';

interface PanelProps {
  icon: IconName;
  tone?: 'plain' | 'warn' | 'bad';
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  cause?: string;
  'data-testid'?: string;
  'data-problem'?: string;
}

/** Says one thing in the middle of the picture, with what can be done about it. */
export function Panel(props: PanelProps) {
  const { icon, tone = 'plain', title, children, actions, cause, ...rest } = props;
  return (
    <div className={css.cover} data-veil={tone !== 'plain' || undefined}>
      <div
        className={css.panel}
        data-tone={tone}
        role={tone === 'plain' ? undefined : 'alert'}
        {...rest}
      >
        <Sign icon={icon} size={26} tone={tone} round className={css.sign} />
        <h2 className={css.title}>{title}</h2>
        {children !== undefined && <div className={css.text}>{children}</div>}
        {actions !== undefined && <div className={css.actions}>{actions}</div>}
        {cause !== undefined && <Details cause={cause} />}
      </div>
    </div>
  );
}

/** One line over the lower edge of the picture. */
export function Banner({ icon, children }: { icon: IconName; children: ReactNode }) {
  return (
    <div className={css.banner}>
      <Icon name={icon} />
      {children}
    </div>
  );
}

/** While the browser asks a person, or the camera starts. */
export function WaitingForCamera() {
  return (
    <Panel icon="camera" title="Waiting for the camera">
      If the browser asks, allow this page to use it.
    </Panel>
  );
}

/** What can be tried, one after the other. */
export function Steps({ steps }: { steps: readonly string[] }) {
  if (steps.length === 0) return null;
  return (
    <ul>
      {steps.map((step) => (
        <li key={step}>{step}</li>
      ))}
    </ul>
  );
}

interface ActionProps {
  icon: IconName;
  children: string;
  onClick: () => void;
  second?: boolean;
}

export function Action({ icon, children, onClick, second = false }: ActionProps) {
  return (
    <Button
      variant={second ? 'default' : 'filled'}
      leftSection={<Icon name={icon} />}
      onClick={onClick}
    >
      {children}
    </Button>
  );
}

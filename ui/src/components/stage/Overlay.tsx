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
  /** The technical cause; empty where there is nothing to say. */
  cause?: string;
  /** The stable name of what went wrong. */
  problem?: string;
  'data-testid'?: string;
}

/** Says one thing in the middle of the picture, with what can be done about it. */
export function Panel(props: PanelProps) {
  const { icon, tone = 'plain', title, children, actions, cause = '', problem } = props;
  const testId = problem === undefined ? props['data-testid'] : 'error-panel';
  return (
    <div className={css.cover} data-veil={tone !== 'plain' || undefined}>
      <div
        className={css.panel}
        data-tone={tone}
        role={tone === 'plain' ? undefined : 'alert'}
        data-testid={testId}
        data-problem={problem}
      >
        <Sign icon={icon} size={26} tone={tone} round className={css.sign} />
        <h2 className={css.title}>{title}</h2>
        {children !== undefined && <div className={css.text}>{children}</div>}
        {actions !== undefined && <div className={css.actions}>{actions}</div>}
        {cause !== '' && <Details cause={cause} />}
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

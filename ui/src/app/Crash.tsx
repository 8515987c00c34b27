import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Details } from '../components/Details';
import { Icon } from '../components/Icon';
import { tell } from './pageErrors';

interface State {
  error: Error | null;
}

/** Catches a mistake of ours, says so, and lets the person go on. */
export class Crash extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: unknown): void {
    tell(error);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div role="alert" style={{ maxWidth: '36rem', margin: '15vh auto', padding: '0 1rem' }}>
        <h1 style={{ fontSize: 'var(--fs-title)' }}>Something went wrong</h1>
        <p style={{ margin: '0.5rem 0 1rem', color: 'var(--text-soft)' }}>
          The server is not affected. Reload the page to continue.
        </p>
        <Button leftSection={<Icon name="retry" />} onClick={() => location.reload()}>
          Reload
        </Button>
        <Details cause={`${error.name}: ${error.message}\n${error.stack ?? ''}`} />
      </div>
    );
  }
}

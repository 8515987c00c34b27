import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useSession, useSessionAsked } from '../api/session';
import { Link } from '../base/Link';
import { Actions, EmptyState } from '../components/EmptyState';
import { Page } from '../components/page/Page';
import { type GatedPage, mayOpen, NEEDS } from './needs';
import { aRole, whatFor } from './words';

interface Props {
  page: GatedPage;
  /** What this page is for, as the beginning of a sentence. */
  what: string;
  children: ReactNode;
}

/** A page for those who may use it; others read who may, instead of finding out by errors. */
export function Gate({ page, what, children }: Props) {
  const session = useSession();
  // Otherwise the page would ask for what its user may not have.
  if (!useSessionAsked()) return null;
  if (session === null || mayOpen(session, page)) return children;
  const is = session.role === null ? 'nobody it knows' : aRole(session.role);
  return (
    <Page title="Not allowed · Sightwire">
      <EmptyState
        icon="key"
        title={`${what} takes ${aRole(NEEDS[page].role)}`}
        text={`You are ${is}${whatFor(session)}. Whoever manages this server can give you a key that may do more.`}
      >
        <Actions>
          <Button component={Link} href="/">
            Go to the start page
          </Button>
        </Actions>
      </EmptyState>
    </Page>
  );
}

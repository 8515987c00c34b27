import type { ReactNode } from 'react';
import { httpsAddress, LAN_COMMAND } from './https';
import { tlsPoll } from '../api/access';
import { usePoll } from '../api/poll';
import { Command } from '../components/Command';
import { Panel } from '../components/stage/Overlay';

/** Whether somebody changes it is seen soon enough after a reload. */
const EVERY_MS = 60_000;

interface Props {
  /** What the browser does not give: `a camera`. */
  what: string;
  /** What works all the same. */
  actions: ReactNode;
}

/** Instead of a start that must fail: this page came without HTTPS, and what to do about it. */
export function NoHttps({ what, actions }: Props) {
  const { answer } = usePoll(tlsPoll, EVERY_MS);
  const address = answer === null ? null : httpsAddress(answer, location);
  return (
    <Panel
      icon="alert"
      tone="warn"
      title={`This page cannot use ${what}`}
      actions={actions}
      data-testid="no-https"
    >
      <p>Browsers allow that only on pages that come over HTTPS, or from localhost.</p>
      {address !== null ? (
        <p>
          This server has HTTPS: open <a href={address}>{address}</a>
        </p>
      ) : (
        answer !== null && (
          <>
            <p>Start the server with HTTPS, and open the address that it prints:</p>
            <Command text={LAN_COMMAND} />
          </>
        )
      )}
    </Panel>
  );
}

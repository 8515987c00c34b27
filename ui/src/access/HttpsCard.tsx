import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Authority, Tls } from 'sightwire/api';
import { Command } from '../components/Command';
import { CopyButton } from '../components/CopyButton';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { AccessCard } from './AccessCard';
import css from './HttpsCard.module.css';
import { Fingerprint } from './Fingerprint';
import { downloadAt, endsSoon, httpsWords, isEncrypted, LAN_COMMAND } from './https';
import { dayWords } from './words';
import { at } from '../base/basePath';

/** How connections are encrypted, and what other devices need to trust it. */
export function HttpsCard({ tls }: { tls: Tls | null }) {
  return (
    <AccessCard
      title="HTTPS"
      text="Encrypts what devices send and get. Browsers give a camera only to pages that come over it."
    >
      {tls !== null && <Standing tls={tls} />}
    </AccessCard>
  );
}

function Standing({ tls }: { tls: Tls }) {
  const { names, expires, authority } = tls;
  const [nowMs] = useState(() => Date.now());
  return (
    <div className={css.standing}>
      {endsSoon(tls, nowMs) && expires !== null && (
        <Notice tone="warn" icon="clock" title={`The certificate ends on ${dayWords(expires)}`}>
          Put a new one into its files: the server takes it up by itself.
        </Notice>
      )}
      <dl className={css.facts}>
        <div>
          <dt>Encryption</dt>
          <dd>{httpsWords(tls, location.protocol)}</dd>
        </div>
        {names.length > 0 && (
          <div>
            <dt>Names</dt>
            <dd>{names.join(', ')}</dd>
          </div>
        )}
        {expires !== null && (
          <div>
            <dt>Certificate</dt>
            <dd>
              until {dayWords(expires)}
              {tls.mode === 'self-signed' && '; the server renews it by itself'}
            </dd>
          </div>
        )}
        {authority !== null && (
          <>
            <div>
              <dt>Authority</dt>
              <dd>until {dayWords(authority.expires)}</dd>
            </div>
            <div>
              <dt>SHA-256</dt>
              <dd className={css.print}>
                <Fingerprint text={authority.fingerprint} />
                <CopyButton text={authority.fingerprint} what="the fingerprint" />
              </dd>
            </div>
          </>
        )}
      </dl>
      {!isEncrypted(tls, location.protocol) && (
        <div>
          <p>
            Keys, passwords and pictures cross the network as they are. To encrypt them, and to be
            reached by phones, start the server with:
          </p>
          <Command text={LAN_COMMAND} />
        </div>
      )}
      {authority !== null && <Trust tls={tls} authority={authority} />}
    </div>
  );
}

function Trust({ tls, authority }: { tls: Tls; authority: Authority }) {
  return (
    <>
      <Button
        component="a"
        className={css.download}
        variant="default"
        href={at(authority.download)}
        download
        leftSection={<Icon name="download" />}
      >
        Download the authority
      </Button>
      <details className={css.trust}>
        <summary>Have a device trust this server</summary>
        <ol>
          <li>
            Open <code>{downloadAt(tls, location)}</code> on the device, past its warning.
          </li>
          <li>Compare the fingerprint that the device shows with the one above.</li>
          <li>
            Trust it. Android: Settings, Security, Install a certificate, CA certificate. iPhone:
            install the profile, then Settings, General, About, Certificate Trust Settings. Windows
            and macOS: open the file, and put it among the trusted root authorities.
          </li>
        </ol>
      </details>
    </>
  );
}

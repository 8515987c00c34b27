import { useState } from 'react';
import type { LoginLink, NewKey, Tls } from 'sightwire/api';
import { makeLink } from '../api/access';
import { Command } from '../components/Command';
import { Notice } from '../components/Notice';
import { isEncrypted, LAN_COMMAND } from './https';
import { LinkReady } from './LinkReady';
import { NewKeyForm } from './NewKeyForm';
import { DAY_S, NO_SCOPE, type Scope } from './scope';

/** Whoever holds a phone wants to use its camera. */
const BEGIN: Scope = { ...NO_SCOPE, role: 'streamer' };
const LASTS = {
  label: 'Stays logged in',
  description: 'At most; it has to log in again after 7 days without use.',
  choices: [
    { seconds: 30 * DAY_S, label: 'For 30 days' },
    { seconds: DAY_S, label: 'For a day' },
    { seconds: 3600, label: 'For an hour' },
  ],
};

interface Made {
  link: LoginLink;
  /** By this machine's clock, in ms. */
  untilMs: number;
  wanted: NewKey;
}

/** Makes a link that logs a phone in, and shows it as long as it works. */
export function LinkForm({ tls, onClose }: { tls: Tls | null; onClose: () => void }) {
  const [made, setMade] = useState<Made | null>(null);
  const make = async (wanted: NewKey) => {
    const link = await makeLink(wanted);
    setMade({ link, untilMs: Date.now() + link.expires_in_s * 1000, wanted });
  };
  if (made !== null) {
    return (
      <LinkReady
        key={made.link.url}
        link={made.link}
        untilMs={made.untilMs}
        tls={tls}
        onAgain={() => make(made.wanted)}
        onClose={onClose}
      />
    );
  }
  return (
    <NewKeyForm
      id="link"
      label="Log in a phone"
      example="phone at the gate"
      name="phone"
      begin={BEGIN}
      lasts={LASTS}
      verb="Show the code"
      make={make}
      onClose={onClose}
    >
      {tls !== null && !isEncrypted(tls, location.protocol) && (
        <Notice tone="warn" icon="alert" title="The phone will not give its camera">
          Browsers give it only to pages that come over HTTPS, and this server has none. Start the
          server with HTTPS for machines nearby:
          <Command text={LAN_COMMAND} />
        </Notice>
      )}
    </NewKeyForm>
  );
}

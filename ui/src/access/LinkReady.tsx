import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { LoginLink, Tls } from 'sightwire/api';
import { sentence } from '../api/http';
import { Command } from '../components/Command';
import { CopyButton } from '../components/CopyButton';
import { formatClock } from '../components/format';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { useArrival } from '../components/useArrival';
import css from './LinkReady.module.css';
import { LAN_COMMAND } from './https';
import { aRole, scopeWords } from './words';

interface Props {
  link: LoginLink;
  /** As `Date.now()` says it: a machine that slept does not take an old link for a new one. */
  untilMs: number;
  tls: Tls | null;
  /** Makes another one like it. */
  onAgain: () => Promise<void>;
  onClose: () => void;
}

/** A link that logs a device in, once: as a code and as text, for as long as it works. */
export function LinkReady({ link, untilMs, tls, onAgain, onClose }: Props) {
  const leftS = useSecondsUntil(untilMs);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const again = () => {
    setBusy(true);
    setFailed(null);
    onAgain().catch((error: unknown) => {
      setFailed(sentence(error));
      setBusy(false);
    });
  };
  const { about, others_reach_it: reached, svg, url } = link;
  const over = leftS === 0;
  const arrival = useArrival<HTMLDivElement>();
  return (
    <div
      ref={arrival}
      tabIndex={-1}
      role="group"
      aria-label="Login link"
      className={css.ready}
      data-testid="login-link"
      data-over={over || undefined}
    >
      {!reached && (
        <Notice tone="warn" icon="alert" title="No phone can open this link">
          The server listens on this machine alone. Start it so that other machines reach it, over
          HTTPS, and make the link again:
          <Command text={LAN_COMMAND} />
        </Notice>
      )}
      <div className={css.parts}>
        {reached && svg !== '' && (
          <img
            className={css.code}
            src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
            alt="QR code of the link"
            width={240}
            height={240}
          />
        )}
        <div className={css.words}>
          <p className={css.who}>
            <strong>{about.name}</strong> will be {aRole(about.role)} · {scopeWords(about)}
          </p>
          {!over && (
            <>
              <p>
                {reached
                  ? 'Scan the code with the phone’s camera, or open the link there.'
                  : 'In another browser on this machine the link works.'}
              </p>
              {tls?.mode === 'self-signed' && reached && (
                <p className={css.soft}>
                  The phone warns of the certificate unless it trusts it: continue past the warning,
                  or see HTTPS on this page.
                </p>
              )}
              <div className={css.link}>
                <code>{url}</code>
                <CopyButton text={url} what="the link" />
              </div>
              <p className={css.left}>
                <Icon name="clock" size={16} />
                <span className="number" role="timer">
                  Works once, for another {formatClock(leftS)}
                </span>
              </p>
            </>
          )}
          <p role="status" className={css.over}>
            {over && 'This link no longer works. A phone that it logged in stays logged in.'}
          </p>
        </div>
      </div>
      {failed !== null && <Notice tone="bad" icon="alert" title={failed} />}
      <div className={css.buttons}>
        <Button variant={over ? 'default' : 'filled'} onClick={onClose}>
          Done
        </Button>
        <Button variant={over ? 'filled' : 'default'} loading={busy} onClick={again}>
          Make another link
        </Button>
      </div>
    </div>
  );
}

/** Whole seconds until then, 0 at the end. */
function useSecondsUntil(untilMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const over = nowMs >= untilMs;
  useEffect(() => {
    if (over) return;
    const timer = setInterval(() => setNowMs(Date.now()), 500);
    return () => clearInterval(timer);
  }, [over]);
  return Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
}

import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import { nameProblem } from 'sightwire/relay';
import { ownAddress } from '../../base/basePath';
import { sentence } from '../../api/http';
import { makeViewersLink } from '../../api/viewersLink';
import { copyText } from '../../components/copy';
import { isLoopback } from '../../components/loopback';
import { Icon } from '../../components/Icon';
import { shared, type Shared } from '../viewersLink';
import css from './ShareCard.module.css';

interface State {
  doing: 'nothing' | 'asking' | 'copied';
  /** What to say of it. */
  note: string | null;
  /** What is copied by hand where the browser does not let the page do it. */
  byHand: string | null;
}

const NOTHING: State = { doing: 'nothing', note: null, byHand: null };

/** Copies a link with which others watch this stream and nothing else. */
export function ViewersLink({ name }: { name: string }) {
  const [state, setState] = useState(NOTHING);
  /** The one that was given out last: another copy of it needs no other key. */
  const last = useRef<Shared | null>(null);
  const copy = async () => {
    if (state.doing === 'asking' || nameProblem(name) !== null) return;
    setState({ ...NOTHING, doing: 'asking' });
    try {
      const now = Date.now();
      if (last.current === null || last.current.untilMs < now) {
        const page = { address: ownAddress(), isLocal: isLoopback(location.hostname) };
        last.current = shared(await makeViewersLink(name), page, now);
      }
      const { url, note } = last.current;
      const done = await copyText(url);
      setState({ doing: done ? 'copied' : 'nothing', note, byHand: done ? null : url });
    } catch (error) {
      setState({ doing: 'nothing', note: sentence(error), byHand: null });
    }
  };
  const { doing, note, byHand } = state;
  return (
    <>
      <Button
        variant="default"
        leftSection={<Icon name={doing === 'copied' ? 'check' : 'copy'} />}
        onClick={() => void copy()}
        aria-disabled={doing === 'asking'}
        data-testid="viewers-link"
      >
        {doing === 'copied' ? 'Link copied' : 'Copy viewers’ link'}
      </Button>
      <p className={css.hint} role="status" data-testid="viewers-link-note">
        {note}
        {byHand !== null && <code className={css.link}>{byHand}</code>}
      </p>
    </>
  );
}

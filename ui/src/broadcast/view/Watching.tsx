import type { Viewers } from 'sightwire/api';
import { Poll, usePoll } from '../../api/poll';
import { useSession } from '../../api/session';
import { watching } from '../watching';
import css from './ShareCard.module.css';

const EVERY_MS = 3000;
const viewersPoll = new Poll<Viewers>('/api/v1/viewers');

/** Who watches, where they have names. For whoever may see that. */
export function Watching({ name, previews }: { name: string; previews: boolean }) {
  const session = useSession();
  const { answer } = usePoll(viewersPoll, EVERY_MS);
  const who =
    answer === null
      ? null
      : watching(answer.viewers, name, previews ? { name: session?.name ?? null } : null);
  return (
    <p className={css.hint} data-testid="watching">
      {who !== null && `Watching: ${who}.`}
    </p>
  );
}

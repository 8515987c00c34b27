import { Button } from '@mantine/core';
import type { BetterModel } from 'sightwire/api';
import { formatBytes } from '../components/format';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Progress } from '../components/Progress';
import { Cure } from '../start/Cure';
import css from './BetterNotice.module.css';
import { useDismissed } from './dismissed';

/** Offers a model that is better than the one at work, and shows how far its download is. Put aside, it is one line. */
export function BetterNotice({ better }: { better: BetterModel }) {
  const { progress, error, here } = better;
  const [away, setAway] = useDismissed(better.name);
  if (progress === null && away) {
    return (
      <p className={css.away}>
        <Button
          variant="subtle"
          leftSection={<Icon name="download" size={16} />}
          onClick={() => setAway(false)}
          data-testid="better-model-away"
        >
          {short(better)}
        </Button>
      </p>
    );
  }
  return (
    <Notice
      tone={error === null ? 'busy' : 'warn'}
      icon="download"
      title={title(better)}
      cause={error}
      data-testid="better-model"
    >
      {progress === null ? (
        <>
          {error !== null && <p>The present model goes on. You can try again at any time.</p>}
          <p>
            The model in use knows motion, not hands: it often takes something else for a motion.
            With hands ({formatBytes(better.size_bytes)}), shapes such as an open palm work at once,
            and a motion counts after you have held up your hand.
          </p>
          <Cure command={here && error === null ? null : better.command} model={better.name} />
          <Button variant="subtle" onClick={() => setAway(true)}>
            Not now
          </Button>
        </>
      ) : (
        <Progress label={progress.text} value={progress.progress} />
      )}
    </Notice>
  );
}

function short({ error, here }: BetterModel): string {
  if (error !== null) return here ? 'The better model cannot be used' : 'No better model yet';
  return here ? 'A better model is here' : 'A better model can be downloaded';
}

function title({ error, here, title }: BetterModel): string {
  if (error !== null) {
    return here ? 'The better model cannot be used' : 'The better model could not be downloaded';
  }
  return here ? `A better model is here: ${title}` : `A better model can be downloaded: ${title}`;
}

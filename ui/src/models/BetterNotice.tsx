import type { BetterModel } from 'sightwire/api';
import { formatBytes } from '../components/format';
import { Notice } from '../components/Notice';
import { Progress } from '../components/Progress';
import { Cure } from '../start/Cure';

/** Offers a model that is better than the one at work, and shows how far its download is. */
export function BetterNotice({ better }: { better: BetterModel }) {
  const { progress, error } = better;
  return (
    <Notice
      tone={error === null ? 'busy' : 'warn'}
      icon="download"
      title={
        error === null
          ? `A better model can be downloaded: ${better.title}`
          : 'The better model could not be downloaded'
      }
      cause={error}
      data-testid="better-model"
    >
      {progress === null ? (
        <>
          {error !== null && <p>The present model goes on. You can try again at any time.</p>}
          <p>
            The model in use knows motion, not hands: whatever moves gets a label. With hands (
            {formatBytes(better.size_bytes)}), shapes such as a thumb up work at once, and motions
            count only when they are meant.
          </p>
          <Cure command={better.command} model={better.name} />
        </>
      ) : (
        <Progress label={progress.text} value={progress.progress} />
      )}
    </Notice>
  );
}

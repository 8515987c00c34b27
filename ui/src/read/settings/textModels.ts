import type { Model } from 'sightwire/api';

const TEXT_TASK = 'text-reading';

/** What the picker offers, and what would have to be brought first. */
export interface TextModels {
  ready: readonly Model[];
  missing: readonly Model[];
  /** The one that reads where none is asked for. */
  usual: string | null;
}

export function textModels(models: readonly Model[], usual: string | null): TextModels {
  const own = models.filter(({ task }) => task === TEXT_TASK);
  const isReady = ({ available, needs }: Model) => available && needs === null;
  return {
    ready: own.filter(isReady),
    missing: own.filter((model) => !isReady(model)),
    usual: usual ?? own.find(({ active }) => active)?.name ?? null,
  };
}

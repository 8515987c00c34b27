import { useMemo } from 'react';
import type { Models } from 'sightwire/api';
import { Poll, usePoll } from '../../api/poll';
import { useStatus } from '../../api/useStatus';
import { type TextModels, textModels } from './textModels';

/** A model that is brought meanwhile shows up by itself. */
const EVERY_MS = 15_000;
const modelsPoll = new Poll<Models>('/api/v1/models');

export function useTextModels(): TextModels {
  const models = usePoll(modelsPoll, EVERY_MS).answer?.models;
  const usual = useStatus(3000).status?.reader.model ?? null;
  return useMemo(() => textModels(models ?? [], usual), [models, usual]);
}

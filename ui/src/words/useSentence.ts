import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useShortcuts } from '../base/shortcuts';
import { copyText } from '../components/copy';
import { NONE } from '../recognise/logic/labels';
import { isRest } from '../recognise/logic/rest';
import type { Session } from '../recognise/session';
import { ArmedPalm } from './armedPalm';
import { Sentence, sentenceText, type SentenceView } from './sentence';
import { ruleFor, WordRule } from './wordRule';

/** Lives as long as the tab does, so that a look at another page loses no words. */
const sentence = new Sentence();

const copy = () => void copyText(sentenceText(sentence.snapshot().words));

export const sentenceActions = {
  undo: () => sentence.undo(),
  clear: () => sentence.clear(),
};

const SHORTCUTS = [
  { key: 'u', what: 'Undo', run: sentenceActions.undo },
  { key: 'w', what: 'Copy the sentence', run: copy },
  { key: 'x', what: 'Clear the sentence', run: sentenceActions.clear },
];

/** The words that the session's results make, with the keys for them. */
export function useSentence(session: Session, hold: number, withRest: boolean): SentenceView {
  const rule = useMemo(() => new WordRule(), []);
  const palm = useMemo(() => new ArmedPalm(), []);
  useEffect(() => {
    let model: string | undefined;
    return session.onResult((result) => {
      if (result.model?.name !== model) {
        rule.reset();
        palm.reset();
      }
      model = result.model?.name;
      const { label } = result;
      const silent = label === NONE || (!withRest && isRest(label));
      const word = rule.take(silent ? null : label, performance.now(), ruleFor(hold));
      for (const meant of palm.take(word, result.sight)) sentence.add(meant);
    });
  }, [session, rule, palm, hold, withRest]);
  useShortcuts('Sentence', SHORTCUTS);
  return useSyncExternalStore(sentence.subscribe, sentence.snapshot);
}

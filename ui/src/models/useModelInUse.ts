import { useEffect, useMemo, useState } from 'react';
import type { Model, RecognizerStatus } from 'sightwire/api';
import { formatMs } from '../components/format';
import { facts } from './modelWords';
import { type Activation, useActivation } from './useActivation';
import { type ModelsView, useModels } from './useModels';

/** How long a change is worth a word. */
const NEWS_MS = 8000;

export interface ModelInUse {
  view: ModelsView;
  activation: Activation;
  activate: (name: string) => void;
  title: string;
  /** What tells it apart, or what happens to it. */
  note: string;
  /** It is loaded or changed; how far that is (0 to 1), where it is known. */
  busy: { progress: number | null } | null;
  /** What it is being changed to, as a title. */
  switchingTo: string | null;
}

/** The model that is in use, what happens to it, and the list of all. */
export function useModelInUse(
  reported: string | undefined,
  recognizer: RecognizerStatus | undefined,
): ModelInUse {
  const [activation, activate] = useActivation(reported);
  const name = activation.state === 'done' ? activation.name : reported;
  const found = useModels(name);
  const view = useMemo((): ModelsView => {
    const { answer } = found;
    if (answer === null) return found;
    const mark = (model: Model) => ({ ...model, active: model.name === name });
    return { ...found, answer: { ...answer, models: answer.models.map(mark) } };
  }, [found, name]);
  const models = view.answer?.models ?? [];
  const titleOf = (wanted: string) =>
    models.find((model) => model.name === wanted)?.title ?? wanted;

  const changed = useRecentChange(name);
  const to = activation.state === 'switching' ? activation.name : recognizer?.switching?.to;
  const loading = recognizer?.loading ?? null;
  // At the server's start a notice across the page says how far it is.
  const starting = recognizer?.state === 'loading';
  const entry = models.find((model) => model.name === name);
  const note =
    to !== undefined
      ? `switching to ${titleOf(to)}…`
      : loading !== null
        ? starting
          ? 'loading…'
          : loading.text
        : changed
          ? activation.state === 'done'
            ? `in use now, switched in ${formatMs(activation.tookMs)} ms`
            : 'in use now, just switched'
          : entry === undefined
            ? ''
            : facts(entry).join(' · ');
  return {
    view,
    activation,
    activate,
    title: name === undefined ? '–' : titleOf(name),
    note,
    busy:
      to !== undefined || (loading !== null && !starting)
        ? { progress: loading?.progress ?? null }
        : null,
    switchingTo: to === undefined ? null : titleOf(to),
  };
}

/** Whether the model became another one a moment ago; the first one that is known is no change. */
function useRecentChange(name: string | undefined): boolean {
  const [state, setState] = useState({ name, changed: false });
  if (state.name !== name) setState({ name, changed: state.name !== undefined });
  useEffect(() => {
    if (!state.changed) return;
    const timer = setTimeout(() => setState((now) => ({ ...now, changed: false })), NEWS_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return state.changed;
}

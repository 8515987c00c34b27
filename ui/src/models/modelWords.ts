import type { Model } from 'sightwire/api';
import { RequestError } from '../api/http';
import { formatBytes, formatCount, spell } from '../components/format';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

/** Whether an entry's model can be put to use now. */
export function isUsable(model: Model): boolean {
  return model.needs === null && model.available;
}

export function labelCount(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'label' : 'labels'}`;
}

/** The few facts that tell models apart. The size is 0 where only the file that it will be made from is known. */
export function facts(model: Model): string[] {
  const { labels, clip, size_bytes } = model;
  return [
    ...(labels === null ? [] : [labelCount(labels.length)]),
    ...(clip === null ? [] : [`${clip.window} frames`]),
    ...(size_bytes > 0 ? [formatBytes(size_bytes)] : []),
  ];
}

export interface Standing {
  tone: Tone;
  icon: IconName;
  word: string;
}

export function standing(model: Model): Standing {
  if (model.active) return { tone: 'ok', icon: 'check', word: 'in use' };
  if (model.needs === 'pull') return { tone: 'off', icon: 'download', word: 'not downloaded' };
  if (model.needs === 'import') return { tone: 'off', icon: 'plug', word: 'not imported' };
  if (!model.available) return { tone: 'warn', icon: 'alert', word: 'files missing' };
  return { tone: 'off', icon: 'model', word: 'ready' };
}

/** What to run on the server's machine so that the model can be used; null if nothing. */
export function command(model: Model): string | null {
  switch (model.needs) {
    case 'pull':
    case 'import': // what is there and was not imported yet, a pull imports
      return `sightwire models pull ${model.name}`;
    case null:
      return null;
  }
}

/** The rest of what is known of a model, for the list beside its card. */
export function details(model: Model): [name: string, value: string][] {
  const { clip, imported } = model;
  return [
    ['Name', model.name],
    ...(model.labels === null
      ? []
      : [['Labels', formatCount(model.labels.length)] satisfies [string, string]]),
    ...(clip === null
      ? []
      : ([
          ['Window', `${clip.window} frames of ${clip.width} × ${clip.height}`],
          ['Precision', spell(clip.precision)],
          ['Runs', clip.split ? 'each frame once' : 'the whole window each time'],
        ] satisfies [string, string][])),
    ...(model.size_bytes > 0
      ? [['Size', formatBytes(model.size_bytes)] satisfies [string, string]]
      : []),
    ['Licence', model.licence],
    ['Source', model.source],
    ...(imported === null
      ? []
      : ([
          [
            'Imported from',
            imported.keras === null ? imported.from : `${imported.from} (Keras ${imported.keras})`,
          ],
          ['Largest difference', `${imported.difference.toPrecision(2)} from the original`],
        ] satisfies [string, string][])),
  ];
}

/** With a full stop at its end. */
function sentence(said: string): string {
  return said === '' || /[.!?]$/.test(said) ? said : `${said}.`;
}

export interface Refusal {
  title: string;
  text: string;
  cause: string;
}

/** Why a model was not put to use, for a person. */
export function refusal(error: unknown): Refusal {
  const cause = error instanceof Error ? error.message : String(error);
  const { status, detail } = error instanceof RequestError ? error : { status: null, detail: null };
  const said = detail ?? '';
  switch (status) {
    case 403:
      return {
        title: 'The model cannot be changed from here',
        text: said || 'The server allows this only from its own machine.',
        cause,
      };
    case 404:
      return {
        title: 'The server no longer has this model',
        text: said || 'Its manifest was removed after this list was loaded.',
        cause,
      };
    case 409:
      return {
        title: 'Another switch is in progress',
        text: said || 'Try again when it is finished.',
        cause,
      };
    case 422:
      return {
        title: 'The server cannot use this model',
        text: `${sentence(said) || 'See Details for the reason.'} The previous model stays in use.`,
        cause,
      };
    case null:
      return {
        title: 'The server did not respond',
        text: 'The model may or may not have been changed; the list shows which one is in use.',
        cause,
      };
    default:
      return {
        title: 'The model was not changed',
        text: said || 'The server refused without giving a reason.',
        cause,
      };
  }
}

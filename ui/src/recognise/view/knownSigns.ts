import { formatCount } from '../../components/format';
import { isRest } from '../logic/rest';

/** All are named up to this many, else one fewer and how many more there are. */
const MOST_NAMED = 8;

/** A sentence about what to show to this model. */
export function knownSigns(labels: readonly string[]): string {
  const signs = labels.filter((label) => !isRest(label));
  const [first] = signs;
  if (first === undefined) return '';
  if (signs.length === 1) return `This model knows “${first}”.`;
  const named = signs.length <= MOST_NAMED ? signs : signs.slice(0, MOST_NAMED - 1);
  const last =
    named.length === signs.length
      ? named.at(-1)
      : `${formatCount(signs.length - named.length)} more`;
  const before = named.length === signs.length ? named.slice(0, -1) : named;
  return `This model knows ${before.join(', ')} and ${last}.`;
}

import { isRest } from '../logic/rest';

const COLOURS = 10;

/**
 * The CSS colour of a class: the same in bars, chart and label. Classes that mean “nothing happens”
 * are grey; the others go through the palette in the model's order.
 */
export function classColour(labels: readonly string[], index: number): string {
  const label = labels[index];
  if (label === undefined || isRest(label)) return 'var(--class-neutral)';
  const before = labels.slice(0, index).filter((other) => !isRest(other)).length;
  return `var(--class-${before % COLOURS})`;
}

/** A colour as a canvas needs it: with variables resolved in this element's scheme. */
export function resolveColour(element: Element, colour: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name === undefined ? colour : getComputedStyle(element).getPropertyValue(name).trim();
}

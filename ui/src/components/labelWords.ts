/** A model's label as a person reads it: `thumb_up` is “thumb up”. Addresses and programs keep the label itself. */
export function labelWords(label: string): string {
  return label.replaceAll('_', ' ').trim() || label;
}

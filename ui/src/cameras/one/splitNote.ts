const LONG = 140;

/** The sentence of a note, and the technical cause behind its colon where it is long. */
export function splitNote(note: string): { text: string; cause: string | null } {
  const at = note.indexOf(': ');
  if (note.length <= LONG || at < 0) return { text: note, cause: null };
  return { text: `${note.slice(0, at)}.`, cause: note.slice(at + 2) };
}

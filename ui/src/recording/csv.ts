/**
 * A text as a field of a CSV file (RFC 4180). What a spreadsheet would take for a formula gets an
 * apostrophe before it, which spreadsheets read as “this is text”: labels come from models, and a
 * model may come from anywhere.
 */
export function csvText(text: string): string {
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A number with at most `decimals` places, or an empty field where it is not known. */
export function csvNumber(value: number | null, decimals: number): string {
  if (value === null || !Number.isFinite(value)) return '';
  const text = value.toFixed(decimals);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Fields, each made by the functions above, as a line with its end. */
export function csvLine(fields: readonly string[]): string {
  return `${fields.join(',')}\r\n`;
}

import { Lexer, type MarkedToken } from 'marked';

/**
 * Cards come from files that anybody may have written, and one written for that purpose keeps the
 * lexer busy for a time that grows with the square of its length (markedjs/marked#4099): seconds
 * for this many characters. What is longer is cut off.
 */
const MOST_CHARACTERS = 20_000;

/** What a text in Markdown consists of, without a first heading that only says `title`. */
export function readMarkdown(source: string, title: string): MarkedToken[] {
  const text =
    source.length > MOST_CHARACTERS ? `${source.slice(0, MOST_CHARACTERS)}\n\n…` : source;
  const [first, ...others] = tokensOf(text).filter((token) => token.type !== 'space');
  if (first === undefined) return [];
  return first.type === 'heading' && first.text === title ? others : [first, ...others];
}

/** Quotes and lists a thousand deep are too much for the lexer: such a text stays as it is. */
function tokensOf(text: string): MarkedToken[] {
  try {
    return Lexer.lex(text) as MarkedToken[];
  } catch {
    return [{ type: 'code', raw: text, text }];
  }
}

/** The address of another page, or null for anything else, above all for scripts. */
export function safeAddress(address: string): string | null {
  try {
    const { protocol, href } = new URL(address);
    return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}

/** The part of Markdown that model cards are written in. HTML in it is text like any other. */
export type Block =
  | { kind: 'heading'; level: number; text: Inline[] }
  | { kind: 'paragraph'; text: Inline[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; align: Align[]; rows: Inline[][][] }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'rule' };

export type Align = 'left' | 'center' | 'right' | null;

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'emphasis'; text: Inline[] }
  | { kind: 'link'; href: string; text: Inline[] }
  | { kind: 'break' };

/**
 * Cards come from files that anybody may have written, so the work is bounded: what is longer than
 * this is cut off, and a run of emphasis, code or a link that does not end soon is none.
 */
const MOST_CHARACTERS = 64_000;
const LONGEST_LINE = 4000;
const LONGEST_RUN = 1000;
const DEEPEST = 8;

export function parseMarkdown(source: string): Block[] {
  const lines = source.slice(0, MOST_CHARACTERS).split(/\r\n|\r|\n/);
  return blocks(
    lines.map((line) => line.slice(0, LONGEST_LINE).replaceAll('\t', '    ')),
    0,
  );
}

/** The blocks without a first heading that only repeats what stands above them. */
export function withoutTitle(found: Block[], title: string): Block[] {
  const [first, ...others] = found;
  if (first?.kind !== 'heading' || plain(first.text) !== title) return found;
  return others;
}

function plain(text: readonly Inline[]): string {
  return text
    .map((run) => {
      if (run.kind === 'break') return ' ';
      return typeof run.text === 'string' ? run.text : plain(run.text);
    })
    .join('');
}

const HEADING = /^ {0,3}(#{1,6})(?=\s|$)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,} *$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|(\d{1,9})[.)])(\s+|$)/;
const DELIMITER = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

function blocks(lines: readonly string[], depth: number): Block[] {
  const made: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const heading = HEADING.exec(line);
    const fence = FENCE.exec(line)?.[1];
    const item = RULE.test(line) ? null : ITEM.exec(line);
    if (line.trim() === '') {
      at += 1;
    } else if (heading !== null) {
      made.push({
        kind: 'heading',
        level: heading[1]?.length ?? 1,
        text: parseInline(
          line
            .slice(heading[0].length)
            .trim()
            .replace(/(?:^|\s)#+$/, ''),
        ),
      });
      at += 1;
    } else if (fence !== undefined) {
      const end = closingFence(lines, at + 1, fence);
      made.push({ kind: 'code', text: lines.slice(at + 1, end).join('\n') });
      at = end + 1;
    } else if (RULE.test(line)) {
      made.push({ kind: 'rule' });
      at += 1;
    } else if (QUOTE.test(line) && depth < DEEPEST) {
      let end = at;
      while (QUOTE.test(lines[end] ?? '')) end += 1;
      const inner = lines.slice(at, end).map((quoted) => quoted.replace(QUOTE, ''));
      made.push({ kind: 'quote', blocks: blocks(inner, depth + 1) });
      at = end;
    } else if (item !== null && depth < DEEPEST) {
      const list = takeList(lines, at, depth);
      made.push(list.block);
      at = list.end;
    } else if (isTable(lines, at)) {
      const table = takeTable(lines, at);
      made.push(table.block);
      at = table.end;
    } else {
      let end = at + 1;
      while (end < lines.length && !endsParagraph(lines, end)) end += 1;
      made.push({ kind: 'paragraph', text: parseInline(joinLines(lines.slice(at, end))) });
      at = end;
    }
  }
  return made;
}

function closingFence(lines: readonly string[], from: number, fence: string): number {
  for (let at = from; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trim();
    if (line.startsWith(fence) && line.replaceAll(fence.charAt(0), '') === '') return at;
  }
  return lines.length;
}

function endsParagraph(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  const item = ITEM.exec(line);
  // A number at the start of a line is a list only where it says 1: “in the year\n2012. …” is none.
  const begins = item !== null && (item[3] === undefined || item[3] === '1') && item[4] !== '';
  return (
    line.trim() === '' ||
    begins ||
    isTable(lines, at) ||
    [HEADING, FENCE, RULE, QUOTE].some((start) => start.test(line))
  );
}

/** Lines of a paragraph: two spaces or a backslash at the end of one are a line break. */
function joinLines(lines: readonly string[]): string {
  let text = '';
  for (const line of lines) {
    if (text !== '' && !text.endsWith('\n')) text += ' ';
    if (line.endsWith('\\')) text += `${line.slice(0, -1).trim()}\n`;
    else text += line.endsWith('  ') ? `${line.trim()}\n` : line.trim();
  }
  return text.trimEnd();
}

function takeList(
  lines: readonly string[],
  from: number,
  depth: number,
): { block: Block; end: number } {
  const first = ITEM.exec(lines[from] ?? '');
  const ordered = first?.[3] !== undefined;
  const items: Block[][] = [];
  let at = from;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const item = RULE.test(line) ? null : ITEM.exec(line);
    if (item === null || (item[3] !== undefined) !== ordered) break;
    // What is indented as far as the item's text belongs to it; so do lines that just go on.
    const indent =
      item[4] === '' ? item[0].length + 1 : Math.min(item[0].length, item[0].trimEnd().length + 4);
    const inner = [line.slice(item[0].length)];
    at += 1;
    while (at < lines.length) {
      const next = lines[at] ?? '';
      const blank = next.trim() === '';
      const indented = next.startsWith(' '.repeat(indent));
      const after = lines[at + 1] ?? '';
      if (blank && !after.startsWith(' '.repeat(indent))) break;
      if (!blank && !indented && (ITEM.test(next) || endsParagraph(lines, at))) break;
      inner.push(indented ? next.slice(indent) : next.trim());
      at += 1;
    }
    items.push(blocks(inner, depth + 1));
    let next = at;
    while (next < lines.length && (lines[next] ?? '').trim() === '') next += 1;
    if (ITEM.test(lines[next] ?? '')) at = next;
  }
  return {
    block: { kind: 'list', ordered, start: Number(first?.[3] ?? 1), items },
    end: at,
  };
}

function isTable(lines: readonly string[], at: number): boolean {
  const head = lines[at] ?? '';
  const delimiter = lines[at + 1] ?? '';
  return (
    head.includes('|') &&
    delimiter.includes('-') &&
    DELIMITER.test(delimiter) &&
    cells(head).length === cells(delimiter).length
  );
}

function takeTable(lines: readonly string[], from: number): { block: Block; end: number } {
  const head = cells(lines[from] ?? '').map(parseInline);
  const align = cells(lines[from + 1] ?? '').map(alignment);
  const rows: Inline[][][] = [];
  let at = from + 2;
  for (; at < lines.length && (lines[at] ?? '').includes('|'); at += 1) {
    const found = cells(lines[at] ?? '').map(parseInline);
    rows.push(head.map((_, n) => found[n] ?? []));
  }
  return { block: { kind: 'table', head, align, rows }, end: at };
}

function alignment(cell: string): Align {
  const [left, right] = [cell.startsWith(':'), cell.endsWith(':')];
  if (left && right) return 'center';
  return right ? 'right' : left ? 'left' : null;
}

/** The cells of a table's line; `\|` is a bar inside one. */
function cells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

const ESCAPED = /[!-/:-@[-`{-~]/;

/** Runs of text with emphasis, code and links. What has no end is text as it stands. */
export function parseInline(source: string, depth = 0): Inline[] {
  const made: Inline[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') made.push({ kind: 'text', text });
    text = '';
  };
  const put = (inline: Inline) => {
    flush();
    made.push(inline);
  };
  let at = 0;
  while (at < source.length) {
    const here = source.charAt(at);
    const next = source.charAt(at + 1);
    const span = depth < DEEPEST ? spanAt(source, at, depth) : null;
    if (here === '\\' && ESCAPED.test(next)) {
      text += next;
      at += 2;
    } else if (here === '\n') {
      put({ kind: 'break' });
      at += 1;
    } else if (span !== null) {
      put(span.inline);
      at = span.end;
    } else if (here === '`') {
      // An opening without its end: all of its backticks are text, not the start of another try.
      const ticks = runLength(source, at, '`');
      text += '`'.repeat(ticks);
      at += ticks;
    } else {
      text += here;
      at += 1;
    }
  }
  flush();
  return made;
}

function runLength(source: string, at: number, character: string): number {
  let end = at;
  while (source.charAt(end) === character) end += 1;
  return end - at;
}

interface Span {
  inline: Inline;
  end: number;
}

function spanAt(source: string, at: number, depth: number): Span | null {
  switch (source.charAt(at)) {
    case '`':
      return codeAt(source, at);
    case '*':
    case '_':
      return emphasisAt(source, at, depth);
    case '!':
      return source.charAt(at + 1) === '[' ? pictureAt(source, at) : null;
    case '[':
      return linkAt(source, at, depth);
    case '<':
      return addressAt(source, at);
    default:
      return null;
  }
}

function codeAt(source: string, at: number): Span | null {
  const ticks = runLength(source, at, '`');
  let end = at + ticks;
  while (end < at + LONGEST_RUN) {
    end = source.indexOf('`', end);
    if (end < 0) return null;
    const closing = runLength(source, end, '`');
    if (closing === ticks) {
      const inside = source.slice(at + ticks, end).replaceAll('\n', ' ');
      const padded = inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== '';
      return {
        inline: { kind: 'code', text: padded ? inside.slice(1, -1) : inside },
        end: end + ticks,
      };
    }
    end += closing;
  }
  return null;
}

function emphasisAt(source: string, at: number, depth: number): Span | null {
  const mark = source.charAt(at);
  // `snake_case` is no emphasis.
  if (mark === '_' && /[\p{L}\p{N}]/u.test(source.charAt(at - 1))) return null;
  const marks = Math.min(runLength(source, at, mark), 2);
  for (let size = marks; size > 0; size -= 1) {
    const from = at + size;
    if (/^\s?$/.test(source.charAt(from))) continue;
    const end = closingMark(source, from, mark, size);
    if (end < 0) continue;
    const text = parseInline(source.slice(from, end), depth + 1);
    return { inline: { kind: size === 2 ? 'strong' : 'emphasis', text }, end: end + size };
  }
  return null;
}

function closingMark(source: string, from: number, mark: string, size: number): number {
  const last = Math.min(source.length, from + LONGEST_RUN);
  for (let at = from; at < last; at += 1) {
    const here = source.charAt(at);
    if (here === '\\') {
      at += 1;
    } else if (here === '`') {
      at = (codeAt(source, at)?.end ?? at + 1) - 1;
    } else if (here === mark) {
      const run = runLength(source, at, mark);
      const closes = !/\s/.test(source.charAt(at - 1));
      const whole = mark === '*' || !/[\p{L}\p{N}]/u.test(source.charAt(at + run));
      if (closes && whole && at > from && (run === size || run > 2)) return at + run - size;
      at += run - 1;
    }
  }
  return -1;
}

/** Where `[` … `]` ends, brackets inside counted. */
function closingBracket(source: string, at: number): number {
  let open = 0;
  const last = Math.min(source.length, at + LONGEST_RUN);
  for (let end = at; end < last; end += 1) {
    const here = source.charAt(end);
    if (here === '\\') end += 1;
    else if (here === '[') open += 1;
    else if (here === ']' && --open === 0) return end;
  }
  return -1;
}

function linkAt(source: string, at: number, depth: number): Span | null {
  const close = closingBracket(source, at);
  if (close < 0) return null;
  const target =
    /^\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'(][^)]*["')])?\s*\)/.exec(
      source.slice(close + 1, close + LONGEST_RUN),
    );
  if (target === null) return null;
  const text = parseInline(source.slice(at + 1, close), depth + 1);
  const end = close + 1 + target[0].length;
  const href = safeAddress(target[1] ?? '');
  // An address that leads nowhere from here (another file of the card's folder) is not a link.
  return href === null
    ? { inline: { kind: 'emphasis', text }, end }
    : { inline: { kind: 'link', href, text }, end };
}

/** A picture is said in words: cards must not fetch anything. */
function pictureAt(source: string, at: number): Span | null {
  const link = linkAt(source, at + 1, DEEPEST);
  if (link === null || !('text' in link.inline) || typeof link.inline.text === 'string')
    return null;
  return { inline: { kind: 'emphasis', text: link.inline.text }, end: link.end };
}

function addressAt(source: string, at: number): Span | null {
  const found = /^<([a-z]+:[^\s<>]+)>/i.exec(source.slice(at, at + LONGEST_RUN));
  const href = safeAddress(found?.[1] ?? '');
  if (found === null || href === null) return null;
  return {
    inline: { kind: 'link', href, text: [{ kind: 'text', text: found[1] ?? '' }] },
    end: at + found[0].length,
  };
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

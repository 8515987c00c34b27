import { describe, expect, it } from 'vitest';
import card from '../../../models/gestures.md?raw';
import {
  type Block,
  type Inline,
  parseInline,
  parseMarkdown,
  safeAddress,
  withoutTitle,
} from './markdown';

/** Inline runs in a short form: `plain *em* **strong** <code>`code` [text](href)`. */
function flat(text: readonly Inline[]): string {
  return text
    .map((run) => {
      switch (run.kind) {
        case 'text':
          return run.text;
        case 'code':
          return `{${run.text}}`;
        case 'strong':
          return `<b>${flat(run.text)}</b>`;
        case 'emphasis':
          return `<i>${flat(run.text)}</i>`;
        case 'link':
          return `<a ${run.href}>${flat(run.text)}</a>`;
        case 'break':
          return '<br>';
      }
    })
    .join('');
}

const inline = (source: string) => flat(parseInline(source));

function outline(blocks: readonly Block[]): unknown[] {
  return blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `h${block.level} ${flat(block.text)}`;
      case 'paragraph':
        return `p ${flat(block.text)}`;
      case 'list':
        return [block.ordered ? `ol ${block.start}` : 'ul', ...block.items.map(outline)];
      case 'table':
        return [
          'table',
          block.align,
          block.head.map(flat),
          ...block.rows.map((row) => row.map(flat)),
        ];
      case 'code':
        return `code ${block.text}`;
      case 'quote':
        return ['quote', ...outline(block.blocks)];
      case 'rule':
        return 'rule';
    }
  });
}

const parse = (source: string) => outline(parseMarkdown(source));

describe('blocks', () => {
  it('are headings and paragraphs, whose lines are joined', () => {
    expect(parse('# A model\n\nIt tells\nleft from right.\n## Why ##\nBecause.')).toEqual([
      'h1 A model',
      'p It tells left from right.',
      'h2 Why',
      'p Because.',
    ]);
  });

  it('are lists with lines that go on, lists inside, and a start of their own', () => {
    expect(parse('- one\n  goes on\n- two\n  - inner\n\n- three')).toEqual([
      ['ul', ['p one goes on'], ['p two', ['ul', ['p inner']]], ['p three']],
    ]);
    expect(parse('3. three\n4. four')).toEqual([['ol 3', ['p three'], ['p four']]]);
    expect(parse('before\n- after')).toEqual(['p before', ['ul', ['p after']]]);
    expect(parse('made in\n2012. Not a list.')).toEqual(['p made in 2012. Not a list.']);
  });

  it('are tables with alignment, a missing cell and a bar in a cell', () => {
    expect(
      parse('| clips | right |\n| :-- | --: |\n| a \\| b | 98 % |\n| short |\n\nafter'),
    ).toEqual([
      ['table', ['left', 'right'], ['clips', 'right'], ['a | b', '98 %'], ['short', '']],
      'p after',
    ]);
    expect(parse('a | b\nno table')).toEqual(['p a | b no table']);
  });

  it('are code, in which nothing else counts, to the end where it has none', () => {
    expect(parse('```sh\n# not a heading\n*x*\n```\nafter')).toEqual([
      'code # not a heading\n*x*',
      'p after',
    ]);
    expect(parse('~~~\nopen')).toEqual(['code open']);
  });

  it('are quotes and rules', () => {
    expect(parse('> said\n> twice\n\n---\n\n* * *')).toEqual([
      ['quote', 'p said twice'],
      'rule',
      'rule',
    ]);
  });
});

it('a first heading that repeats the title is left out, any other stays', () => {
  const blocks = parseMarkdown('# My *signs*\n\nText.\n\n# My signs');
  expect(outline(withoutTitle(blocks, 'My signs'))).toEqual(['p Text.', 'h1 My signs']);
  expect(withoutTitle(blocks, 'Other')).toBe(blocks);
  expect(withoutTitle([], '')).toEqual([]);
});

describe('text', () => {
  it('has strong, emphasis and code, also within each other', () => {
    expect(inline('**Input.** *ten* _frames_ of `a*b`')).toBe(
      '<b>Input.</b> <i>ten</i> <i>frames</i> of {a*b}',
    );
    expect(inline('**a *b* c**')).toBe('<b>a <i>b</i> c</b>');
    expect(inline('***both***')).toBe('<b><i>both</i></b>');
    expect(inline('`` a ` b ``')).toBe('{a ` b}');
  });

  it('leaves alone what only looks like it', () => {
    expect(inline('2 * 3 * 4, snake_case_name, 5*6, \\*x\\*, `open, **open')).toBe(
      '2 * 3 * 4, snake_case_name, 5*6, *x*, `open, **open',
    );
  });

  it('has links to the web and to nothing else', () => {
    expect(inline('[the paper](https://example.org/a_(b) "title")')).toBe(
      '<a https://example.org/a_(b)>the paper</a>',
    );
    expect(inline('<https://example.org>')).toBe('<a https://example.org/>https://example.org</a>');
    expect(inline('[limits](limits.md)')).toBe('<i>limits</i>');
    expect(inline('![a hand](hand.png)')).toBe('<i>a hand</i>');
    for (const bad of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'java\tscript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      ' javascript:x',
      '//example.org',
      'https:// bad',
    ]) {
      expect(safeAddress(bad), bad).toBeNull();
    }
    expect(inline('[x](javascript:alert(1))')).toBe('<i>x</i>');
  });

  it('takes HTML as text', () => {
    expect(inline('<script>alert(1)</script> <img src=x onerror=y>')).toBe(
      '<script>alert(1)</script> <img src=x onerror=y>',
    );
  });

  it('breaks a line where the source says so', () => {
    expect(parse('one  \ntwo\\\nthree\nfour')).toEqual(['p one<br>two<br>three four']);
  });
});

describe('a card that was written to harm', () => {
  // What grows faster than its source takes minutes; a busy machine takes a second or two.
  it('takes no long time and no deep stack', { timeout: 120_000 }, () => {
    const hostile = [
      '>'.repeat(50_000),
      '- '.repeat(50_000),
      '*'.repeat(50_000),
      '**a '.repeat(20_000),
      '['.repeat(50_000),
      '[a]('.repeat(20_000),
      '`'.repeat(49_999) + 'x',
      '` `` '.repeat(20_000),
      '|'.repeat(50_000) + '\n' + '|-'.repeat(25_000),
      '<'.repeat(50_000),
      '_a '.repeat(30_000),
      `# ${' '.repeat(60_000)}x`,
      `# ${' #'.repeat(30_000)}x`,
      `a${' '.repeat(60_000)}b\nc`,
      `${`a${' '.repeat(3900)}b\n`.repeat(16)}c`,
      `a|b\n${'-'.repeat(60_000)}x`,
      `${'-  '.repeat(20_000)}x`,
    ];
    for (const source of hostile) {
      const started = performance.now();
      parseMarkdown(source);
      expect(performance.now() - started, source.slice(0, 20)).toBeLessThan(10_000);
    }
  });
});

it('the card that Sightwire brings along is understood whole', () => {
  const kinds = parseMarkdown(card).map((block) => block.kind);
  expect(kinds.filter((kind) => kind === 'heading')).toHaveLength(4);
  expect(kinds).toContain('table');
  expect(kinds).toContain('list');
});

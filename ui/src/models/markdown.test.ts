import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import card from '../../../models/gestures.md?raw';
import { Markdown } from './Markdown';
import { safeAddress } from './markdown';

const shown = (source: string, title = '') =>
  renderToStaticMarkup(createElement(Markdown, { source, heading: 4, title }))
    .replace(/^<div[^>]*>/, '')
    .replace(/<\/div>$/, '');

/** Names of the elements in a piece of HTML. */
const elements = (html: string) =>
  new Set(Array.from(html.matchAll(/<([a-z0-9]+)/g), ([, name]) => name));

it('the card that Sightwire brings along is understood whole, below the heading of the page', () => {
  const html = shown(card, 'Hand-motion gestures');
  expect(html.match(/<h4>/g)).toHaveLength(3);
  expect(html).not.toContain('Hand-motion gestures');
  expect(html).not.toMatch(/[|`*]|##/);
  expect([...elements(html)].sort()).toEqual(
    'code div h4 li p span strong table tbody td th thead tr ul'.split(' ').sort(),
  );
});

it('a first heading that repeats the title is left out, any other stays', () => {
  const source = '\n# My signs\n\nText.\n\n# My signs';
  expect(shown(source, 'My signs')).toBe('<p>Text.</p><h4>My signs</h4>');
  expect(shown(source, 'Other')).toBe('<h4>My signs</h4><p>Text.</p><h4>My signs</h4>');
  expect(shown('', '')).toBe('');
});

it('a list starts where it says, and its items are text without paragraphs', () => {
  expect(shown('3. three\n4. **four**\n   - [x] inner')).toBe(
    '<ol start="3"><li><span>three</span></li><li><span><strong>four</strong></span>' +
      '<ul><li>[x] <span>inner</span></li></ul></li></ol>',
  );
});

describe('links', () => {
  it('lead to other pages, and tell them nothing', () => {
    const attributes = 'target="_blank" rel="noreferrer noopener"';
    for (const source of [
      '[it](https://example.org/a)',
      '[it][1]\n\n[1]: https://example.org/a',
      '[it](<https://example.org/a> "title")',
    ]) {
      expect(shown(source)).toBe(`<p><a href="https://example.org/a" ${attributes}>it</a></p>`);
    }
    expect(shown('<https://example.org/a>')).toContain(
      `<a href="https://example.org/a" ${attributes}`,
    );
    expect(shown('<someone@example.org>')).toContain('<a href="mailto:someone@example.org" ');
  });

  it('lead nowhere else', () => {
    expect(shown('[limits](limits.md)')).toBe('<p><em>limits</em></p>');
    for (const bad of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'java\tscript:alert(1)',
      'javascript&#58;alert(1)',
      'data:text/html,x',
      'vbscript:x',
      ' javascript:x',
      '//example.org',
      '/api/models',
      'https:// bad',
    ]) {
      expect(safeAddress(bad), bad).toBeNull();
      for (const source of [`[x](${bad})`, `[x](<${bad}>)`, `[x]\n\n[x]: ${bad}`, `<${bad}>`]) {
        expect(elements(shown(source)), source).not.toContain('a');
      }
    }
  });
});

it('pictures are said in words: nothing is fetched', () => {
  expect(shown('![a hand](https://example.org/hand.png)')).toBe('<p><em>a hand</em></p>');
});

it('HTML is text', () => {
  for (const source of [
    '<script>alert(1)</script>',
    'a <img src=x onerror=y> b',
    '<div onclick="x">\n<b>y</b>\n</div>',
    '<!-- <i> -->',
    '- <iframe src="https://example.org">',
    '| <a href="javascript:x">x</a> |\n| --- |',
    '```html\n<b>\n```',
    '&lt;b&gt;',
    '[<b>](https://example.org)',
  ]) {
    const found = elements(shown(source));
    for (const name of ['script', 'img', 'b', 'i', 'iframe']) {
      expect(found, source).not.toContain(name);
    }
    expect(shown(source)).not.toMatch(/<[^>]*(?:onclick|javascript)/);
  }
  expect(shown('a <b>c</b>')).toBe('<p>a &lt;b&gt;c&lt;/b&gt;</p>');
});

describe('a card that was written to harm', () => {
  /** As long as a card may be, so that nothing of it is cut off. */
  const LONG = 19_990;

  it.each([
    ['>', 'x'],
    ['- ', 'x'],
    ['> - ', 'x'],
    ['*', 'x'],
    ['**a ', ''],
    ['*a*b', ''],
    ['[', ''],
    ['[](', ')'],
    ['` `` ', ''],
    ['|-', '\n|-'],
    ['<a ', ''],
    ['a\n', '='],
  ])(
    'is shown after a while at most: %j',
    (unit, end) => {
      expect(shown(unit.repeat(LONG / unit.length) + end).length).toBeGreaterThan(LONG / 2);
    },
    20_000,
  );

  it('nests no deeper than a browser can lay out, and loses no text', () => {
    const html = shown(`${'> '.repeat(200)}end`);
    expect(html.match(/<blockquote>/g)?.length).toBeLessThan(30);
    expect(html).toContain('end');
  });

  it('is cut off, and that is shown', () => {
    const html = shown('word '.repeat(LONG));
    expect(html.length).toBeLessThan(2 * LONG);
    expect(html).toMatch(/<p>…<\/p>$/);
  });
});

import type { MarkedToken, Token, Tokens } from 'marked';
import { createElement, Fragment, type ReactNode, useMemo } from 'react';
import { readMarkdown, safeAddress } from './markdown';
import css from './Markdown.module.css';

/** What is nested deeper than this is shown as it was written. */
const DEEPEST = 16;

interface Props {
  source: string;
  /** The level of the source's highest heading on the page. */
  heading: number;
  /** A first heading that only says this again is left out. */
  title: string;
}

/** A text in Markdown as React elements: what is HTML in it stays text, and nothing is fetched. */
export function Markdown({ source, heading, title }: Props) {
  const tokens = useMemo(() => readMarkdown(source, title), [source, title]);
  const highest = Math.min(...tokens.map((token) => (token.type === 'heading' ? token.depth : 6)));
  const deeper = Math.max(0, heading - highest);
  return <div className={css.text}>{drawAll(tokens, deeper, 0)}</div>;
}

function drawAll(tokens: readonly Token[], deeper: number, depth: number): ReactNode {
  return tokens.map((token, n) => (
    <Fragment key={n}>
      {depth > DEEPEST ? token.raw : draw(token as MarkedToken, deeper, depth)}
    </Fragment>
  ));
}

function draw(token: MarkedToken, deeper: number, depth: number): ReactNode {
  const inside = (tokens: readonly Token[]) => drawAll(tokens, deeper, depth + 1);
  const cells = (row: readonly Tokens.TableCell[], element: 'th' | 'td') => (
    <tr>
      {row.map((cell, n) =>
        createElement(element, { key: n, align: cell.align ?? undefined }, inside(cell.tokens)),
      )}
    </tr>
  );
  switch (token.type) {
    case 'heading':
      return createElement(`h${Math.min(6, token.depth + deeper)}`, null, inside(token.tokens));
    case 'paragraph':
      return <p>{inside(token.tokens)}</p>;
    case 'list': {
      const items = token.items.map((item, n) => <li key={n}>{inside(item.tokens)}</li>);
      return token.ordered ? <ol start={Number(token.start)}>{items}</ol> : <ul>{items}</ul>;
    }
    case 'table':
      return (
        <div className={css.wide} tabIndex={0} role="group" aria-label="Table">
          <table>
            <thead>{cells(token.header, 'th')}</thead>
            <tbody>
              {token.rows.map((row, n) => (
                <Fragment key={n}>{cells(row, 'td')}</Fragment>
              ))}
            </tbody>
          </table>
        </div>
      );
    case 'code':
      return (
        <pre className={css.wide} tabIndex={0} role="group" aria-label="Code">
          <code>{token.text}</code>
        </pre>
      );
    case 'blockquote':
      return <blockquote>{inside(token.tokens)}</blockquote>;
    case 'hr':
      return <hr />;
    case 'br':
      return <br />;
    case 'html':
      return token.block ? <p>{token.text}</p> : token.text;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'strong':
      return <strong>{inside(token.tokens)}</strong>;
    case 'em':
      return <em>{inside(token.tokens)}</em>;
    case 'del':
      return <del>{inside(token.tokens)}</del>;
    case 'link': {
      const href = safeAddress(token.href);
      // An address that leads nowhere from here (another file of the card's folder) is not a link.
      if (href === null) return <em>{inside(token.tokens)}</em>;
      return (
        <a href={href} target="_blank" rel="noreferrer noopener">
          {inside(token.tokens)}
        </a>
      );
    }
    // A picture is said in words: cards must not fetch anything.
    case 'image':
      return <em>{inside(token.tokens)}</em>;
    case 'text':
      // A list's item has its text without a paragraph around it.
      return token.tokens === undefined ? token.text : <span>{inside(token.tokens)}</span>;
    case 'escape':
      return token.text;
    case 'space':
    case 'def':
      return null;
    case 'checkbox':
    case 'list_item':
      return token.raw;
  }
}

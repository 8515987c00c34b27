import { createElement, type ReactNode, useMemo } from 'react';
import { type Block, type Inline, parseMarkdown, withoutTitle } from './markdown';
import css from './Markdown.module.css';

interface Props {
  source: string;
  /** The level of the source's highest heading on the page. */
  heading: number;
  /** A first heading that only says this again is left out. */
  title: string;
}

/** A text in Markdown as React elements: what is HTML in it stays text. */
export function Markdown({ source, heading, title }: Props) {
  const blocks = useMemo(() => withoutTitle(parseMarkdown(source), title), [source, title]);
  const highest = Math.min(...blocks.map((block) => (block.kind === 'heading' ? block.level : 6)));
  const deeper = Math.max(0, heading - highest);
  return <div className={css.text}>{blocks.map((block, n) => draw(block, n, deeper))}</div>;
}

function draw(block: Block, key: number, deeper: number): ReactNode {
  switch (block.kind) {
    case 'heading': {
      const level = Math.min(6, block.level + deeper);
      return createElement(`h${level}`, { key }, runs(block.text));
    }
    case 'paragraph':
      return <p key={key}>{runs(block.text)}</p>;
    case 'list': {
      const items = block.items.map((item, n) => <li key={n}>{drawItem(item, deeper)}</li>);
      return block.ordered ? (
        <ol key={key} start={block.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    case 'table':
      return (
        <div key={key} className={css.wide} tabIndex={0} role="group" aria-label="Table">
          <table>
            <thead>
              <tr>
                {block.head.map((cell, n) => (
                  <th key={n} align={block.align[n] ?? undefined}>
                    {runs(cell)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, y) => (
                <tr key={y}>
                  {row.map((cell, n) => (
                    <td key={n} align={block.align[n] ?? undefined}>
                      {runs(cell)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case 'code':
      return (
        <pre key={key} className={css.wide} tabIndex={0} role="group" aria-label="Code">
          <code>{block.text}</code>
        </pre>
      );
    case 'quote':
      return <blockquote key={key}>{block.blocks.map((b, n) => draw(b, n, deeper))}</blockquote>;
    case 'rule':
      return <hr key={key} />;
  }
}

/** A list's item with one paragraph is that text, without the distance around a paragraph. */
function drawItem(item: readonly Block[], deeper: number): ReactNode {
  return item.map((block, n) =>
    block.kind === 'paragraph' && n === 0 ? (
      <span key={n}>{runs(block.text)}</span>
    ) : (
      draw(block, n, deeper)
    ),
  );
}

function runs(text: readonly Inline[]): ReactNode {
  return text.map((run, n) => {
    switch (run.kind) {
      case 'text':
        return run.text;
      case 'code':
        return <code key={n}>{run.text}</code>;
      case 'strong':
        return <strong key={n}>{runs(run.text)}</strong>;
      case 'emphasis':
        return <em key={n}>{runs(run.text)}</em>;
      case 'link':
        return (
          <a key={n} href={run.href} target="_blank" rel="noreferrer noopener">
            {runs(run.text)}
          </a>
        );
      case 'break':
        return <br key={n} />;
    }
  });
}

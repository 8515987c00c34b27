import { type KeyboardEvent, memo, useEffect, useRef } from 'react';
import { useWindow } from '../table/useWindow';
import { sureness, surePercent } from '../viewer/confidence';
import { type Line, step } from './lines';
import css from './TextList.module.css';

interface Props {
  lines: readonly Line[];
  /** Numbers of lines. */
  hovered: number | null;
  selected: number | null;
  onHover: (number: number | null) => void;
  onSelect: (number: number | null) => void;
  /** The line is to be seen near. */
  onOpen: (number: number) => void;
  rowPx: number;
}

const PAGE = 10;

/** What was read, line by line. Only what is in sight is really there. */
export function TextList(props: Props) {
  const { lines, hovered, selected, onHover, onSelect, onOpen, rowPx } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const { window, show } = useWindow(scroller, lines.length, rowPx);
  const at = lines.findIndex(({ number }) => number === selected);
  useEffect(() => show(at), [show, at]);

  const press = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -1e9, End: 1e9 }[
      event.key
    ];
    if (by !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      onSelect(step(lines, selected, by));
    } else if (event.key === 'Enter' && selected !== null) {
      event.preventDefault();
      onOpen(selected);
    } else if (event.key === 'Escape') onSelect(null);
  };

  return (
    <div
      ref={scroller}
      className={css.list}
      role="listbox"
      aria-label="Lines of text"
      tabIndex={0}
      aria-activedescendant={at >= window.first && at < window.end ? `line-${selected}` : undefined}
      onKeyDown={press}
      onPointerLeave={() => onHover(null)}
      data-testid="texts"
    >
      <div
        className={css.all}
        role="presentation"
        style={{ height: lines.length * rowPx, ['--row' as string]: `${rowPx}px` }}
      >
        {lines.slice(window.first, window.end).map((line, n) => (
          <Row
            key={line.number}
            line={line}
            top={(window.first + n) * rowPx}
            of={lines.length}
            place={window.first + n + 1}
            isHovered={line.number === hovered}
            isSelected={line.number === selected}
            onHover={onHover}
            onSelect={onSelect}
            onOpen={onOpen}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps extends Pick<Props, 'onHover' | 'onSelect' | 'onOpen'> {
  line: Line;
  top: number;
  place: number;
  of: number;
  isHovered: boolean;
  isSelected: boolean;
}

const Row = memo(function Row(props: RowProps) {
  const { line, top, isHovered, isSelected, onHover, onSelect, onOpen } = props;
  return (
    <div
      id={`line-${line.number}`}
      className={css.row}
      role="option"
      aria-selected={isSelected}
      aria-setsize={props.of}
      aria-posinset={props.place}
      style={{ transform: `translateY(${top}px)` }}
      data-hovered={isHovered || undefined}
      onPointerEnter={() => onHover(line.number)}
      onClick={() => onSelect(line.number)}
      onDoubleClick={() => onOpen(line.number)}
    >
      <span className={`number ${css.number}`} aria-hidden="true">
        {line.number}
      </span>
      <span className={css.text} title={line.text} dir="auto">
        {line.text}
      </span>
      <span className={`number ${css.sure}`} data-sureness={sureness(line.confidence)}>
        {surePercent(line.confidence)}
      </span>
    </div>
  );
});

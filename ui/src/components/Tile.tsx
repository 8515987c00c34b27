import type { ComponentProps, CSSProperties, ReactNode, Ref } from 'react';
import { UNKNOWN } from './format';
import { Icon, type IconName } from './Icon';
import { StateBadge, type Tone } from './StateBadge';
import css from './Tile.module.css';

/** One stream among others: its picture, its name, the numbers that matter. */
export function Tile(props: Omit<ComponentProps<'article'>, 'className'>) {
  return <article {...props} className={`card ${css.tile}`} />;
}

interface PictureProps {
  id: string;
  words: {
    tone: Tone;
    icon: IconName;
    word: string;
    banner: string | null;
    text: string | null;
  };
  /** Whether there is one; without, what is to be said stands in its middle. */
  painted: boolean;
  frame?: Ref<HTMLDivElement>;
  className?: string | undefined;
  style?: CSSProperties | undefined;
  /** What is drawn into, and can be pressed. */
  children: ReactNode;
}

/** The picture with its state on it, and why it is not live. */
export function TilePicture(props: PictureProps) {
  const { id, words, painted, frame, className = '', style, children } = props;
  const { banner, text } = words;
  return (
    <div ref={frame} className={`${css.frame} ${className}`} style={style}>
      {children}
      <span className={css.badge}>
        <StateBadge
          tone={words.tone}
          icon={words.icon}
          word={words.word}
          data-testid={`state-${id}`}
        />
      </span>
      {(banner ?? text) !== null && (
        <p className={css.note} data-empty={!painted || undefined} data-testid={`note-${id}`}>
          {painted && banner !== null && <strong>{banner}. </strong>}
          {text}
        </p>
      )}
    </div>
  );
}

interface HeadProps extends ComponentProps<'h2'> {
  /** Marks and buttons. */
  beside: ReactNode;
}

/** Its name, and what stands beside that. */
export function TileHead({ beside, ...heading }: HeadProps) {
  return (
    <div className={css.head}>
      <h2 {...heading} className={css.name} />
      {beside}
    </div>
  );
}

/** A word that sets it apart from others. */
export function TileMark(props: { title?: string; children: string }) {
  return <span className={css.mark} {...props} />;
}

/** Each a `TileNumber`; the class says how they share the line. */
export function TileNumbers({ className, children }: { className: string; children: ReactNode }) {
  return <dl className={`${css.numbers} ${className}`}>{children}</dl>;
}

interface NumberProps {
  name: string;
  explain: string;
  value: string;
  unit?: string;
  warn?: boolean;
}

export function TileNumber(props: NumberProps) {
  const { name, explain, value, unit, warn = false } = props;
  return (
    <div className={css.number} title={explain}>
      <dt>{name}</dt>
      <dd className="number" data-unknown={value === UNKNOWN || undefined}>
        {warn && <Icon name="alert" size={14} />}
        {value}
        {unit !== undefined && <span className={css.unit}>{unit}</span>}
      </dd>
    </div>
  );
}

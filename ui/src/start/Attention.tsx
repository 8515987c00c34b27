import { Link } from '../base/Link';
import { Icon } from '../components/Icon';
import type { Item } from './attention';
import css from './Attention.module.css';

/** More would push what runs off the screen. */
const MOST = 4;

/** What somebody should look at: each line leads there. */
export function Attention({ items }: { items: readonly Item[] }) {
  if (items.length === 0) return null;
  const more = items.length - MOST;
  return (
    <section className={`card ${css.attention}`} aria-labelledby="attention">
      <h2 id="attention" className="caption">
        Needs attention
      </h2>
      <ul className={css.list} data-testid="attention">
        {items.slice(0, MOST).map(({ key, tone, icon, title, text, href }) => (
          <li key={key}>
            <Link href={href} className={css.item}>
              <span className={css.icon} data-tone={tone}>
                <Icon name={icon} size={20} />
              </span>
              <span className={css.words}>
                <strong>{title}</strong>
                {text !== null && <span className={css.text}>{text}</span>}
              </span>
              <Icon name="arrowRight" />
            </Link>
          </li>
        ))}
      </ul>
      {more > 0 && (
        <p className={css.more}>
          <Link href="/health?trouble">{more} more on Health</Link>
        </p>
      )}
    </section>
  );
}

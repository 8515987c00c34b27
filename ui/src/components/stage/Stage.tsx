import { type ComponentProps, type ReactNode, useEffect, useRef } from 'react';
import css from './Stage.module.css';

interface Props extends Omit<ComponentProps<'section'>, 'className'> {
  /** Shows the source: a video or a canvas; null while there is none. */
  element: HTMLElement | null;
  /** What is shown is what is used at this moment; what is not looks so. */
  live: boolean;
  /** Sets the shape, and how the element fills it. */
  className?: string | undefined;
  mirror?: boolean;
  badge: ReactNode;
  /** Opposite to the badge. */
  corner?: ReactNode;
  /** What lies over the picture: a hint, a problem. */
  children: ReactNode;
}

/** The picture of this page's own source, with its state on it. */
export function Stage(props: Props) {
  const { element, live, className = '', mirror = false, badge, corner, children, ...rest } = props;
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (element === null) host.current?.replaceChildren();
    else host.current?.replaceChildren(element);
  }, [element]);
  return (
    <section
      {...rest}
      className={`${css.stage} ${className}`}
      aria-label="Video"
      data-live={live || undefined}
    >
      <div ref={host} className={css.picture} data-mirror={mirror || undefined} />
      <div className={css.badge}>{badge}</div>
      {corner !== undefined && <div className={css.corner}>{corner}</div>}
      {children}
    </section>
  );
}

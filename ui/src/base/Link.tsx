import type { ComponentProps, MouseEvent } from 'react';
import { at } from './basePath';
import { navigate } from './router';

type Props = ComponentProps<'a'> & { href: string };

/** A link to a page of ours. It is a real link: opening it in a new tab works. */
export function Link({ onClick, ...rest }: Props) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (event.defaultPrevented || !plain || event.altKey) return;
    event.preventDefault();
    navigate(rest.href);
  };
  return <a {...rest} href={at(rest.href)} onClick={follow} />;
}

import { useState } from 'react';
import { Icon } from '../../components/Icon';
import css from './Thumbnail.module.css';

interface Props {
  /** Null where there is no picture. */
  path: string | null;
  /** The server has let it go. */
  wasThere: boolean;
}

/** A small copy of a file's picture. */
export function Thumbnail({ path, wasThere }: Props) {
  const [failed, setFailed] = useState<string | null>(null);
  if (path !== null && failed !== path) {
    return (
      <img
        className={css.thumbnail}
        src={path}
        alt=""
        loading="lazy"
        decoding="async"
        onError={() => setFailed(path)}
      />
    );
  }
  const isGone = wasThere || path !== null;
  return (
    <span
      className={css.thumbnail}
      title={isGone ? 'Picture no longer stored; its text is kept.' : undefined}
    >
      <Icon name={isGone ? 'text' : 'page'} size={18} />
    </span>
  );
}

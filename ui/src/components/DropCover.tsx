import css from './DropCover.module.css';
import { Icon, type IconName } from './Icon';

interface Props {
  icon: IconName;
  /** What happens when it is let go. */
  children: string;
}

/** Lies over the whole page while a file is held over it. */
export function DropCover({ icon, children }: Props) {
  return (
    <div className={css.cover} aria-hidden="true">
      <Icon name={icon} size={48} />
      {children}
    </div>
  );
}

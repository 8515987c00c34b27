import { Fragment } from 'react';
import css from './HttpsCard.module.css';

/** `E8:3F:67:…`, in lines that break between bytes. */
export function Fingerprint({ text }: { text: string }) {
  return (
    <code className={css.fingerprint}>
      {text.split(/(?<=:)/).map((byte, n) => (
        <Fragment key={n}>
          {byte}
          <wbr />
        </Fragment>
      ))}
    </code>
  );
}

import type { Key, User } from 'sightwire/api';
import { keysPoll, removeUser, revokeKey, tlsPoll, usersPoll } from '../api/access';
import { usePoll } from '../api/poll';
import { Entries, type Row } from '../access/Entries';
import { HttpsCard } from '../access/HttpsCard';
import { KeyForm } from '../access/KeyForm';
import { ModeCard } from '../access/ModeCard';
import { PhonesCard } from '../access/PhonesCard';
import { UserForm } from '../access/UserForm';
import { dayWords, scopeWords, untilWords } from '../access/words';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { PageHead } from '../components/page/PageHead';
import css from './AccessPage.module.css';
import { at } from '../base/basePath';

const EVERY_MS = 5000;
/** Certificates hardly change. */
const TLS_MS = 60_000;

/** Who else may do something. */
export default function AccessPage() {
  const keys = usePoll(keysPoll, EVERY_MS);
  const users = usePoll(usersPoll, EVERY_MS);
  const tls = usePoll(tlsPoll, TLS_MS).answer;
  const failure = keys.failure ?? users.failure;
  return (
    <Page title="Access · Sightwire" className={css.page}>
      <PageHead
        title="Access"
        line="Who may use this server, and for what. Changes count at once."
        lineId="access-line"
      />
      {failure !== null && (
        <Notice
          tone="bad"
          icon="alert"
          title="The lists cannot be loaded."
          cause={failure.message}
        />
      )}
      <ModeCard />
      <div className={css.lists}>
        <div className={css.column}>
          <PhonesCard tls={tls} />
          <Entries
            title="Keys"
            text={
              <>
                For programs, cameras, phones and pages: whoever has one needs no password. What
                they can ask for is on the page{' '}
                <a className={css.target} href={at('/api')}>
                  API
                </a>
                .
              </>
            }
            rows={keys.answer?.keys.map(keyRow) ?? null}
            none="There are no keys yet."
            add="Make a key"
            verb="Revoke"
            form={(onClose) => <KeyForm onClose={onClose} />}
            onRemove={revokeKey}
          />
        </div>
        <div className={css.column}>
          <HttpsCard tls={tls} />
          <Entries
            title="Users"
            text="For people, who log in to these pages with a name and a password."
            rows={users.answer?.users.map(userRow) ?? null}
            none="There are no users yet."
            add="Add a user"
            verb="Remove"
            form={(onClose) => <UserForm onClose={onClose} />}
            onRemove={removeUser}
          />
        </div>
      </div>
    </Page>
  );
}

function keyRow(key: Key): Row {
  const { id, name, role, expired } = key;
  return {
    id,
    name: name === id ? id : `${name} (${id})`,
    about: `${role} · ${scopeWords(key)}`,
    time: untilWords(key),
    over: expired,
  };
}

function userRow(user: User): Row {
  const { name, role, created } = user;
  return {
    id: name,
    name,
    about: `${role} · ${scopeWords(user)}`,
    time: `since ${dayWords(created)}`,
    over: false,
  };
}

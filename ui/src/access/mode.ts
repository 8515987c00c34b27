import type { Session } from 'sightwire/api';
import { aRole } from './words';

/** Who needs a key, as far as it can be told from here. */
export interface ModeWords {
  text: string;
  /** What else can be had, and how the server is started for that; null where there is nothing to say. */
  other: { text: string; command: string } | null;
}

const WITH_MODE = 'sightwire serve --set access.mode=';

/**
 * The server does not say its `access.mode`, but who a request without a key or a log-in is: that
 * tells it, for those who come the way this page did. `isLoopback`: at an address of the machine itself.
 */
export function modeWords(
  { name, role }: Pick<Session, 'name' | 'role'>,
  isLoopback: boolean,
): ModeWords {
  if (role === null || name === null) {
    if (isLoopback) {
      return {
        text: 'Access is protected: without a key or a log-in nobody sees or changes anything, not even this machine: access.mode is protected, or you come through a proxy or a container.',
        other: null,
      };
    }
    return {
      text: 'Access is protected: without a key or a log-in, nobody who comes the way you do sees or changes anything. On the server’s own machine none is needed, unless access.mode is protected.',
      other: {
        text: 'To ask for a key there, too, start the server with:',
        command: `${WITH_MODE}protected`,
      },
    };
  }
  if (name === 'anyone') {
    return {
      text: `Access is open: whoever reaches this server is ${aRole(role)} without a key or a log-in, sees all streams, and may send some. Managing keys and users takes an admin all the same.`,
      other: {
        text: 'To let nobody in without a key but those on its own machine, start the server with:',
        command: `${WITH_MODE}auto`,
      },
    };
  }
  if (name === 'this machine') {
    return {
      text: `You are on the server’s own machine: here nobody needs a key, and everybody is ${aRole(role)}. Whoever comes from elsewhere needs a key or has to log in, unless access is open to all.`,
      other: {
        text: 'To ask for a key here, too, start the server with:',
        command: `${WITH_MODE}protected`,
      },
    };
  }
  return {
    text: `You are let in as ${name}, ${aRole(role)}, without a key of this server: its configuration says so, for your network or for the proxy that you come through. Others need a key or have to log in.`,
    other: null,
  };
}

/** Codes with which the server closes a streamer's socket. */
export const CLOSE = {
  goingAway: 1001,
  nameRefused: 1008,
  tooLarge: 1009,
  full: 1013,
  taken: 4090,
  badPictures: 4400,
  noPictures: 4408,
  endedByAdmin: 4410,
} as const;

export interface Farewell {
  /** A sentence for a person. */
  why: string;
  /** It is tried again after a while, or with the next picture, or not by itself. */
  then: 'again' | 'next-picture' | 'refused' | 'ended';
}

/**
 * What the end of a connection means. `ours`: this streamer had the stream a moment ago, so that who
 * is in the way is most likely its own old connection, which the server has not given up yet.
 */
export function farewell(
  code: number,
  message: string | null,
  { ours, wasLive }: { ours: boolean; wasLive: boolean },
): Farewell {
  switch (code) {
    case CLOSE.taken:
      if (ours) {
        return { why: 'The server still waits for the connection before this one.', then: 'again' };
      }
      return {
        why: 'Somebody streams under this name already. Choose another name, or end the other stream first.',
        then: 'refused',
      };
    case CLOSE.nameRefused:
      return { why: message ?? 'The server does not take this name.', then: 'refused' };
    case CLOSE.endedByAdmin:
      return { why: 'Whoever runs the server has ended this stream.', then: 'ended' };
    case CLOSE.full:
      return { why: 'All places for streams on this server are taken.', then: 'again' };
    case CLOSE.badPictures:
      return {
        why: 'The server could not read ten pictures in a row, and closed the stream.',
        then: 'again',
      };
    case CLOSE.noPictures:
      return {
        why: 'No picture came for a while, so the server closed the stream. It goes on with the next one.',
        then: 'next-picture',
      };
    case CLOSE.tooLarge:
      return { why: 'A picture was larger than the server takes.', then: 'again' };
    case CLOSE.goingAway:
      return { why: 'The server was stopped.', then: 'again' };
    default:
      return {
        why: wasLive ? 'The connection was lost.' : 'The server does not answer.',
        then: 'again',
      };
  }
}

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
        return { why: 'The server has not closed the previous connection yet.', then: 'again' };
      }
      return {
        why: 'This name is already in use. Choose another name, or end the other stream first.',
        then: 'refused',
      };
    case CLOSE.nameRefused:
      return { why: message ?? 'The server refuses this name.', then: 'refused' };
    case CLOSE.endedByAdmin:
      return { why: 'An administrator ended this stream.', then: 'ended' };
    case CLOSE.full:
      return { why: 'The server already has its maximum number of streams.', then: 'again' };
    case CLOSE.badPictures:
      return {
        why: 'The server could not decode ten frames in a row, and closed the stream.',
        then: 'again',
      };
    case CLOSE.noPictures:
      return {
        why: 'No frame arrived for a while, so the server closed the stream. It continues with the next frame.',
        then: 'next-picture',
      };
    case CLOSE.tooLarge:
      return { why: 'A frame was larger than the server accepts.', then: 'again' };
    case CLOSE.goingAway:
      return { why: 'The server was stopped.', then: 'again' };
    default:
      return {
        why: wasLive ? 'The connection was lost.' : 'The server is not responding.',
        then: 'again',
      };
  }
}

import { useState } from 'react';
import type { Document } from 'sightwire/api';
import type { Outcome } from '../job/useReading';
import { cornersWithin, isPage } from './corners';
import type { Polygon } from './geometry';

/** What is known of the page in a photograph. */
export type CornersState = 'unknown' | 'found' | 'none' | 'begun' | 'by-hand' | 'refused';

export interface CornersView {
  state: CornersState;
  /** As they are drawn. */
  shown: Polygon | null;
  /** Somebody put them there, and they hold for this picture; undefined while nobody knows. */
  given: Polygon | null | undefined;
  isByHand: boolean;
  mayMove: boolean;
  /** They were let go there. */
  move: (corners: Polygon) => void;
  begin: () => void;
  findAgain: () => void;
}

interface Asked {
  /** What names the picture. */
  file: string;
  /** A page in the photograph is wanted. */
  wanted: boolean;
  reading: Document | null;
  page: number;
  mayRead: boolean;
  /** Reads the picture with these corners, or looks for them. */
  read: (corners: Polygon | null) => Promise<Outcome>;
}

/**
 * The corners of the page in a photograph: found by the server, or moved by a person. Those are kept
 * for each picture as long as this page is open.
 */
export function useCorners({ file, wanted, reading, page, mayRead, read }: Asked): CornersView {
  /** Where they begin that are set by hand. */
  const [drafts, setDrafts] = useState<ReadonlyMap<string, Polygon>>(new Map());
  /** As somebody put them; null: they are to be found, whatever was given before. */
  const [kept, setKept] = useState<ReadonlyMap<string, Polygon | null>>(new Map());
  const [refused, setRefused] = useState<{ file: string; reading: Document | null } | null>(null);
  const known = reading?.pages.find((one) => one.page === page);
  const readWith = reading === null ? undefined : (reading.options.corners ?? null);
  const draft = drafts.get(file) ?? null;
  const own = kept.get(file);
  const given = own === undefined ? readWith : own;
  // Found again, those that were given count no more.
  const isLooked = readWith ? own !== null : reading?.options.perspective === true;
  const there = isLooked ? (known?.corners ?? null) : null;

  const move = (corners: Polygon) => {
    if (!isPage(corners)) {
      setRefused({ file, reading });
      return;
    }
    setRefused(null);
    setDrafts((before) => without(before, file));
    setKept((before) => new Map(before).set(file, corners));
    void read(corners).then((outcome) => {
      if (outcome !== 'refused') return;
      setRefused({ file, reading });
      // Back to where it was read last; what was moved meanwhile stays.
      setKept((before) => (before.get(file) === corners ? without(before, file) : before));
      if (draft !== null) setDrafts((before) => new Map(before).set(file, draft));
    });
  };
  const findAgain = () => {
    setRefused(null);
    setDrafts((before) => without(before, file));
    setKept((before) => new Map(before).set(file, null));
    void read(null);
  };
  const begin = () => {
    if (known === undefined) return;
    setRefused(null);
    setDrafts((before) => new Map(before).set(file, cornersWithin(known)));
  };
  const state = (): CornersState => {
    if (refused?.file === file && refused.reading === reading) return 'refused';
    if (draft !== null) return 'begun';
    if (given) return 'by-hand';
    if (!isLooked) return 'unknown';
    return there === null ? 'none' : 'found';
  };
  return {
    state: state(),
    shown: wanted ? (draft ?? given ?? there) : null,
    given,
    isByHand: draft !== null || Boolean(given),
    // Corners hold for all pages of a file.
    mayMove: wanted && mayRead && reading?.pages.length === 1,
    move,
    begin,
    findAgain,
  };
}

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  return new Map([...map].filter(([other]) => other !== key));
}

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
  /** Somebody put them there, and they hold for this picture. */
  given: Polygon | null;
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
  const [drafts, setDrafts] = useState<ReadonlyMap<string, Polygon>>(new Map());
  const [kept, setKept] = useState<ReadonlyMap<string, Polygon>>(new Map());
  const [refused, setRefused] = useState<string | null>(null);
  const known = reading?.pages.find((one) => one.page === page);
  const draft = drafts.get(file) ?? null;
  const given = kept.get(file) ?? reading?.options.corners ?? null;
  const isLooked = reading?.options.perspective === true;
  const there = isLooked ? (known?.corners ?? null) : null;

  const move = (corners: Polygon) => {
    if (!isPage(corners)) {
      setRefused(file);
      return;
    }
    setRefused(null);
    setDrafts((before) => new Map(before).set(file, corners));
    void read(corners).then((outcome) => {
      if (outcome === 'read') setKept((before) => new Map(before).set(file, corners));
      if (outcome === 'refused') setRefused(file);
      // What was moved meanwhile stays.
      setDrafts((before) => (before.get(file) === corners ? without(before, file) : before));
    });
  };
  const findAgain = () => {
    setRefused(null);
    setDrafts((before) => without(before, file));
    setKept((before) => without(before, file));
    void read(null);
  };
  const begin = () => {
    if (known !== undefined) setDrafts((before) => new Map(before).set(file, cornersWithin(known)));
  };
  const isByHand = draft !== null || (isLooked && given !== null);
  const state = (): CornersState => {
    if (refused === file) return 'refused';
    if (isByHand) return given === null && there === null ? 'begun' : 'by-hand';
    if (!isLooked) return 'unknown';
    return there === null ? 'none' : 'found';
  };
  return {
    state: state(),
    shown: wanted ? (draft ?? there) : null,
    given,
    isByHand,
    // Corners hold for all pages of a file.
    mayMove: wanted && mayRead && reading?.pages.length === 1,
    move,
    begin,
    findAgain,
  };
}

function without(map: ReadonlyMap<string, Polygon>, key: string): ReadonlyMap<string, Polygon> {
  return new Map([...map].filter(([other]) => other !== key));
}

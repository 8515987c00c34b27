import { useCallback, useMemo, useState } from 'react';

/** Of a wall that has no picture yet. */
const USUAL = 4 / 3;

/** The shape, width by height, that suits most of the pictures that are shown; and what notes one. */
export function useShapes(shown: readonly string[]): [number, (id: string, shape: number) => void] {
  const [shapes, setShapes] = useState<ReadonlyMap<string, number>>(new Map());
  const note = useCallback((id: string, shape: number) => {
    setShapes((before) => (before.get(id) === shape ? before : new Map(before).set(id, shape)));
  }, []);
  const names = shown.join('\n');
  const shape = useMemo(
    () => middle(names.split('\n').flatMap((id) => shapes.get(id) ?? [])),
    [names, shapes],
  );
  return [shape, note];
}

/** The one in the middle: a single picture that is upright does not change the others. */
export function middle(shapes: readonly number[]): number {
  return shapes.toSorted((a, b) => a - b)[Math.floor((shapes.length - 1) / 2)] ?? USUAL;
}

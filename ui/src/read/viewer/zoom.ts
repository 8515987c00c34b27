import type { Point } from './geometry';
import type { Box } from './geometry';

export interface Size {
  width: number;
  height: number;
}

/** Where the picture lies on the stage: a picture's point (x, y) is at (left + x·scale, top + y·scale). */
export interface View {
  left: number;
  top: number;
  /** Stage px (CSS) for each px of the original. */
  scale: number;
}

/** What one press of a button or key enlarges by. */
export const ZOOM_STEP = 1.35;

/** Air around a picture that is fitted in, in px. */
const AIR = 12;
const MOST_SCALE = 16;
/** So much of the stage the picture never leaves. */
const STAYS_PX = 48;
/** A picture smaller than the stage is shown as large as it is. */
const MOST_FIT_SCALE = 1;

export function fitScale(picture: Size, stage: Size): number {
  const across = (stage.width - 2 * AIR) / picture.width;
  const down = (stage.height - 2 * AIR) / picture.height;
  return Math.max(1e-4, Math.min(across, down, MOST_FIT_SCALE));
}

/** As large as it can be within another one, in its own form. */
export function fitInto({ width, height }: Size, room: Size): Size {
  const by = Math.min(room.width / width, room.height / height);
  return { width: width * by, height: height * by };
}

/** The whole picture, in the middle. */
export function fit(picture: Size, stage: Size): View {
  return centred(picture, stage, fitScale(picture, stage));
}

function centred(picture: Size, stage: Size, scale: number): View {
  return {
    left: (stage.width - picture.width * scale) / 2,
    top: (stage.height - picture.height * scale) / 2,
    scale,
  };
}

/** Makes it larger or smaller around a point of the stage, which stays where it is. */
export function zoomAt(view: View, [x, y]: Point, factor: number, bounds: [number, number]): View {
  const scale = Math.min(bounds[1], Math.max(bounds[0], view.scale * factor));
  const by = scale / view.scale;
  return { left: x - (x - view.left) * by, top: y - (y - view.top) * by, scale };
}

/** From a little smaller than the whole picture to single pixels. */
export function scaleBounds(picture: Size, stage: Size): [least: number, most: number] {
  const whole = fitScale(picture, stage);
  return [Math.min(whole / 2, MOST_FIT_SCALE), Math.max(MOST_SCALE, whole)];
}

/**
 * Moves a view as little as needed so that the picture is not lost: what is smaller than the stage
 * stays in it, what is larger always covers some of it.
 */
export function kept(view: View, picture: Size, stage: Size): View {
  const along = (start: number, length: number, room: number) => {
    if (length <= room) return Math.min(room - length, Math.max(0, start));
    return Math.min(room - STAYS_PX, Math.max(STAYS_PX - length, start));
  };
  return {
    ...view,
    left: along(view.left, picture.width * view.scale, stage.width),
    top: along(view.top, picture.height * view.scale, stage.height),
  };
}

export function toPicture(view: View, [x, y]: Point): Point {
  return [(x - view.left) / view.scale, (y - view.top) / view.scale];
}

/** What of the picture is in sight, in its px. */
export function sight(view: View, stage: Size): Box {
  const [left, top] = toPicture(view, [0, 0]);
  const [right, bottom] = toPicture(view, [stage.width, stage.height]);
  return { left, top, right, bottom };
}

/** A view in which a part can be read: near enough, in the middle. */
export function closeUp(box: Box, view: View, stage: Size, bounds: [number, number]): View {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  // The line takes most of the width, but its height no more than a sixth of the stage's.
  const wanted = Math.min((stage.width * 0.8) / width, stage.height / 6 / height, 4);
  const scale = Math.min(bounds[1], Math.max(bounds[0], wanted, view.scale));
  return around(box, stage, scale);
}

/** The same scale, moved only if the part is not wholly in sight. */
export function reveal(box: Box, view: View, stage: Size): View {
  const seen = sight(view, stage);
  const whole =
    box.left >= seen.left &&
    box.right <= seen.right &&
    box.top >= seen.top &&
    box.bottom <= seen.bottom;
  return whole ? view : around(box, stage, view.scale);
}

function around(box: Box, stage: Size, scale: number): View {
  return {
    left: stage.width / 2 - ((box.left + box.right) / 2) * scale,
    top: stage.height / 2 - ((box.top + box.bottom) / 2) * scale,
    scale,
  };
}

/** On the way from one view to another, 0 to 1; the scale grows evenly to the eye. */
export function between(from: View, to: View, part: number): View {
  const mix = (a: number, b: number) => a + (b - a) * part;
  return {
    left: mix(from.left, to.left),
    top: mix(from.top, to.top),
    scale: from.scale * (to.scale / from.scale) ** part,
  };
}

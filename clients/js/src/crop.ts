export interface Crop {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The largest centred part of a picture that has the wanted shape (CSS's `object-fit: cover`). */
export function coverCrop(width: number, height: number, aspect: number): Crop {
  if (width > height * aspect) {
    const cut = height * aspect;
    return { x: (width - cut) / 2, y: 0, width: cut, height };
  }
  const cut = width / aspect;
  return { x: 0, y: (height - cut) / 2, width, height: cut };
}

/** Hands a picture to the person as a file. */
export function savePicture(picture: Blob, camera: string, at: Date): void {
  const link = document.createElement('a');
  const url = URL.createObjectURL(picture);
  link.href = url;
  link.download = pictureName(camera, at);
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file name with which pictures of a camera stand in the order of their times. */
export function pictureName(camera: string, at: Date): string {
  const time = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  return `${camera}-${time}.jpg`;
}

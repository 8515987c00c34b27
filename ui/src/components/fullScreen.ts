/** Shows this on the whole screen, or as before. */
export function toggleFullScreen(element: HTMLElement | null): void {
  // Where a browser does not do it (a phone, a frame), everything stays as it is.
  const done =
    document.fullscreenElement === null ? element?.requestFullscreen() : document.exitFullscreen();
  done?.catch(() => undefined);
}

/**
 * A click on this server's own pages may ask for the camera to be switched on at the page that it leads to. An address never
 * does: anybody can make one.
 */
let isAsked = false;

export function askForCamera(): void {
  isAsked = true;
}

/** Whether it was asked for; once for each click. */
export function takeCameraAsked(): boolean {
  const was = isAsked;
  isAsked = false;
  return was;
}

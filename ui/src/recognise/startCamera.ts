/** So long a page may take to be there after the click. */
const LEADS_MS = 10_000;

/**
 * A click on this server's own pages may ask for the camera to be switched on at the page that it leads to. An address never
 * does: anybody can make one.
 */
let askedAtMs: number | null = null;

/** For a link to that page; a click that opens it elsewhere asks for nothing here. */
export function askForCamera(event: {
  button: number;
  metaKey: boolean;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}): void {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey;
  if (isPlain && !event.shiftKey && !event.altKey) askedAtMs = performance.now();
}

/** Whether it was asked for; once for each click. */
export function takeCameraAsked(): boolean {
  const was = askedAtMs;
  askedAtMs = null;
  return was !== null && performance.now() - was < LEADS_MS;
}

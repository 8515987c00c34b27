/** Pictures of most streams come 15 to 30 times a second: to look for new ones oftener costs more than it shows. */
const EVERY_MS = 26;

/** Calls back before a frame of the display, at most every second one of 60 a second; not while the page is hidden. */
export function paced(): (run: () => void) => void {
  let lastMs = -Infinity;
  return (run) => {
    const ask = () =>
      requestAnimationFrame(() => {
        lastMs = performance.now();
        run();
      });
    const leftMs = lastMs + EVERY_MS - performance.now();
    if (leftMs > 0) setTimeout(ask, leftMs);
    else ask();
  };
}

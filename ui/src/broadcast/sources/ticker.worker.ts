// Timers of a worker go on while the page is hidden; those of the page hardly do.

let timer: ReturnType<typeof setInterval> | undefined;

onmessage = ({ data: intervalMs }: MessageEvent<number>) => {
  clearInterval(timer);
  timer = setInterval(() => postMessage(null), intervalMs);
};

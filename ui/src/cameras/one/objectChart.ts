import uPlot from 'uplot';
import { resolveColour } from '../../recognise/view/classColour';
import type { SeenClass } from './detectionFeed';
import { DRAWN_COLOURS } from './drawnColour';
import type { ObjectTrace } from './objectTrace';

const SPAN_S = 120;
const SECONDS = [-120, -90, -60, -30, 0];
/** More lines than this are a tangle. */
const MOST_LINES = 10;

/** Draws how many objects there were of each class. It owns its canvas; call `draw` to refresh. */
export class ObjectChart {
  private readonly plot: uPlot;
  private readonly size: ResizeObserver;
  private readonly host: HTMLElement;
  private top = 4;
  private lines: readonly SeenClass[] = [];

  constructor(host: HTMLElement) {
    this.host = host;
    const line = resolveColour(host, 'var(--line)');
    const soft = resolveColour(host, 'var(--text-soft)');
    const colours = DRAWN_COLOURS.map((colour) => resolveColour(host, colour));
    const lines = Array.from({ length: MOST_LINES }, (_, n) => n);
    const font = `12px ${getComputedStyle(host).fontFamily}`;
    const axis = { font, stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    this.plot = new uPlot(
      {
        width: host.clientWidth,
        height: host.clientHeight,
        padding: [8, 20, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range: () => [0, this.top] } },
        axes: [
          {
            ...axis,
            size: 24,
            gap: 4,
            splits: SECONDS,
            values: (_, splits) => splits.map((s) => (s === 0 ? 'now' : `−${-s} s`)),
          },
          {
            ...axis,
            size: 32,
            gap: 6,
            splits: () => [0, this.top / 2, this.top],
            values: (_, splits) => splits.map((count) => String(count)),
          },
        ],
        series: [
          {},
          ...lines.map((n) => ({
            stroke: () => colours[(this.lines[n]?.index ?? 0) % colours.length] ?? soft,
            width: 1.75,
            points: { show: false },
            ...(stepped === undefined ? {} : { paths: stepped }),
          })),
        ],
      },
      [[], ...lines.map(() => [])],
      host,
    );
    this.size = new ResizeObserver(() => {
      this.plot.setSize({ width: host.clientWidth, height: host.clientHeight });
    });
    this.size.observe(host);
  }

  draw(trace: ObjectTrace, classes: readonly SeenClass[], nowMs: number): void {
    this.lines = classes;
    const nothing = trace.timesMs.map(() => null);
    const lines = Array.from(
      { length: MOST_LINES },
      (_, n) => trace.classes.get(classes[n]?.label ?? '') ?? nothing,
    );
    const most = Math.max(0, ...lines.flat().map((count) => count ?? 0));
    // Even, so that half of it is a whole number; room above the line.
    this.top = Math.max(4, 2 * Math.ceil((most + 1) / 2));
    this.plot.setData([trace.timesMs.map((ms) => (ms - nowMs) / 1000), ...lines]);
  }

  destroy(): void {
    this.size.disconnect();
    this.plot.destroy();
    this.host.replaceChildren();
  }
}

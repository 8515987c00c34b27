import uPlot from 'uplot';
import type { Trace } from '../logic/trace';
import { classColour, resolveColour } from './classColour';
import { pickLines } from './lines';

const SPAN_S = 20;
const SECONDS = [-20, -15, -10, -5, 0];
const SHARES = [0, 0.5, 1];
/** More lines than this are a tangle: of a model with more labels those are drawn that stand out. */
const MOST_LINES = 16;
const PICK_MS = 250;

/** Draws a trace as lines over the last 20 seconds. It owns its canvas; call `draw` to refresh. */
export class Chart {
  private readonly plot: uPlot;
  private readonly size: ResizeObserver;
  private readonly host: HTMLElement;
  private threshold = 0.5;
  /** Which label each line shows; null is a line that is not needed. */
  private lines: readonly (number | null)[];
  private pickedMs = -Infinity;
  private readonly labels: number;

  constructor(host: HTMLElement, labels: readonly string[]) {
    this.host = host;
    this.labels = labels.length;
    this.lines = Array.from({ length: Math.min(labels.length, MOST_LINES) }, (_, n) => n);
    const colours = labels.map((_, n) => resolveColour(host, classColour(labels, n)));
    const line = resolveColour(host, 'var(--line)');
    const soft = resolveColour(host, 'var(--text-soft)');
    const font = `12px ${getComputedStyle(host).fontFamily}`;
    const axis = { font, stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    this.plot = new uPlot(
      {
        width: host.clientWidth,
        height: host.clientHeight,
        padding: [8, 20, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range: [0, 1] } },
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
            size: 44,
            gap: 6,
            splits: SHARES,
            values: (_, splits) => splits.map((share) => `${share * 100} %`),
          },
        ],
        series: [
          {},
          ...this.lines.map(() => ({
            stroke: (_: uPlot, n: number) => colours[this.lines[n - 1] ?? -1] ?? soft,
            width: 1.75,
            points: { show: false },
          })),
        ],
        hooks: { drawAxes: [(plot) => this.drawThreshold(plot, soft)] },
      },
      [[], ...this.lines.map(() => [])],
      host,
    );
    this.size = new ResizeObserver(() => {
      this.plot.setSize({ width: host.clientWidth, height: host.clientHeight });
    });
    this.size.observe(host);
  }

  draw(trace: Trace, threshold: number, nowMs: number): void {
    if (trace.classes.length !== this.labels) return;
    this.threshold = threshold;
    if (this.labels > MOST_LINES && nowMs - this.pickedMs >= PICK_MS) {
      this.pickedMs = nowMs;
      this.lines = pickLines(trace.classes, this.lines);
    }
    const nothing = trace.timesMs.map(() => null);
    this.plot.setData([
      trace.timesMs.map((ms) => (ms - nowMs) / 1000),
      ...this.lines.map((n) => trace.classes[n ?? -1] ?? nothing),
    ]);
  }

  destroy(): void {
    this.size.disconnect();
    this.plot.destroy();
    this.host.replaceChildren();
  }

  private drawThreshold(plot: uPlot, colour: string): void {
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(this.threshold, 'y', true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}

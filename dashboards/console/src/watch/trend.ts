// A plain class that drives one uPlot canvas: history in, live points appended, limits drawn as dashed lines.
import uPlot from 'uplot';
import type { HistoryPoint, Tag } from '../api/types';
import { language } from '../i18n';
import { ZONE } from '../i18n/time';
import { type Palette, PALETTES } from '../palette/palette';
import { settings } from '../live/settings';

/** Seconds shown. */
export const TREND_SPAN_S = 1_800;
/** Points kept; at 4 live readings a second 30 minutes are 7,200. */
const POINTS_MAX = 8_000;
const HEIGHT = 188;

type Limits = Tag['limits'];
interface Line { readonly value: number; readonly name: string }

const linesOf = (limits: Limits | undefined): Line[] =>
  (['ll', 'l', 'h', 'hh'] as const).flatMap((name) => {
    const value = limits?.[name];
    return value == null ? [] : [{ value, name: name.toUpperCase() }];
  });

export class Trend {
  private plot: uPlot | null = null;
  private box: HTMLElement | null = null;
  private times: number[] = [];
  private values: number[] = [];
  private lines: Line[] = [];
  private drawn = 0;

  get length(): number {
    return this.times.length;
  }

  mount(box: HTMLElement): void {
    this.box = box;
    this.plot = new uPlot(this.options(box.clientWidth), this.data(), box);
  }

  destroy(): void {
    cancelAnimationFrame(this.drawn);
    this.plot?.destroy();
    this.plot = null;
  }

  resize(width: number): void {
    if (width > 0) this.plot?.setSize({ width, height: HEIGHT });
  }

  /** uPlot takes its colours at birth: a theme change makes a new one. */
  restyle(): void {
    const box = this.box;
    this.destroy();
    if (box) this.mount(box);
  }

  setLimits(limits: Limits | undefined): void {
    this.lines = linesOf(limits);
    this.draw();
  }

  /** Live points that came while the history was on its way stay. */
  setHistory(points: readonly HistoryPoint[]): void {
    const end = points.at(-1)?.t ?? 0;
    const from = this.times.findIndex((x) => x * 1e6 > end);
    const [times, values] = from < 0 ? [[], []] : [this.times.slice(from), this.values.slice(from)];
    this.times = [...points.map((p) => p.t / 1e6), ...times];
    this.values = [...points.map((p) => p.last), ...values];
    this.draw();
  }

  add(time: number, value: number): void {
    if (time <= (this.times.at(-1) ?? 0)) return; // late readings are in the history, not in this live line
    this.times.push(time);
    this.values.push(value);
    if (this.times.length > POINTS_MAX) {
      this.times.shift();
      this.values.shift();
    }
    this.draw();
  }

  summary(): { last: number; min: number; max: number } | null {
    const last = this.values.at(-1);
    if (last === undefined) return null;
    return { last, min: this.values.reduce((a, b) => Math.min(a, b)), max: this.values.reduce((a, b) => Math.max(a, b)) };
  }

  private data(): uPlot.AlignedData {
    return [this.times, this.values];
  }

  private draw(): void {
    cancelAnimationFrame(this.drawn);
    this.drawn = requestAnimationFrame(() => this.plot?.setData(this.data()));
  }

  private xRange = (): uPlot.Range.MinMax => {
    const end = Math.max(Date.now() / 1000, this.times.at(-1) ?? 0);
    return [end - TREND_SPAN_S, end];
  };

  /** Limits are always in sight: a value far below them shows how far. */
  private yRange = (_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax => {
    const all = [low, high, ...this.lines.map((l) => l.value)].filter((x): x is number => x != null && Number.isFinite(x));
    if (all.length === 0) return [0, 1];
    const [min, max] = [Math.min(...all), Math.max(...all)];
    const room = (max - min || Math.abs(max) || 1) * 0.08;
    return [min - room, max + room];
  };

  private options(width: number): uPlot.Options {
    const p = PALETTES[settings.theme];
    const axis: uPlot.Axis = { stroke: p.muted, grid: { stroke: p.line, width: 1 }, ticks: { stroke: p.line }, font: '12px system-ui, sans-serif', size: 44 };
    return {
      width: Math.max(100, width),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), ZONE),
      scales: { x: { range: this.xRange }, y: { range: this.yRange } },
      axes: [{ ...axis, size: 28, values: clockTicks }, axis],
      series: [{}, { stroke: p.text, width: 1.6, points: { show: false }, spanGaps: true }],
      hooks: { drawAxes: [(u) => this.drawLimits(u, p)] },
    };
  }

  private drawLimits(u: uPlot, p: Palette): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.textBaseline = 'bottom';
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    for (const { value, name } of this.lines) {
      const y = Math.round(u.valToPos(value, 'y', true));
      ctx.strokeStyle = name.length === 2 ? p.text : p.muted;
      ctx.setLineDash(name.length === 2 ? [8, 3] : [3, 4]);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillStyle = p.muted;
      ctx.fillText(name, bbox.left + bbox.width - ctx.measureText(name).width - 4, y - 3);
    }
    ctx.restore();
  }
}

const clockTicks = (_: uPlot, ticks: number[]): string[] => {
  const format = new Intl.DateTimeFormat(language.value === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return ticks.map((s) => format.format(s * 1000));
};

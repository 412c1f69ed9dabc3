/** The canvas of the chart: drawn by uPlot, coloured by the page's own tokens, as wide as its place. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clockText, type Steps, stackedColumns, stackOrder } from './model.ts';

/** As live.css reserves it. */
const height = 220;

/** Of the bars, from the highest to the lowest, as `stackedColumns` has them. */
const tokens = { accepted: '--good', undecided: '--open', rejected: '--bad', invalid: '--text' };
const barTokens = stackOrder.map((decision) => tokens[decision]).toReversed();

/** Between two labels of a count: whole, and not too many. */
const counts = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
).flat();

export class Plot {
  readonly #place: HTMLElement;
  readonly #onPoint: (bar: number | null) => void;
  readonly #watchers: (() => void)[] = [];
  #plot: uPlot | null = null;
  #steps: Steps | null = null;
  /** What is drawn, so that nothing is drawn twice. */
  #drawn = '';

  /** @param onPoint told of the bar that is pointed at */
  constructor(place: HTMLElement, onPoint: (bar: number | null) => void) {
    this.#place = place;
    this.#onPoint = onPoint;
    const sizes = new ResizeObserver(() => this.#resize());
    sizes.observe(place);
    const themes = new MutationObserver(() => this.#redo());
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    const redo = () => this.#redo();
    system.addEventListener('change', redo);
    this.#watchers.push(
      () => sizes.disconnect(),
      () => themes.disconnect(),
      () => system.removeEventListener('change', redo),
    );
  }

  show(steps: Steps): void {
    this.#steps = steps;
    const text = JSON.stringify(steps);
    if (text === this.#drawn) return;
    this.#drawn = text;
    const columns = stackedColumns(steps) as uPlot.AlignedData;
    if (this.#plot === null) this.#make();
    else this.#plot.setData(columns);
  }

  close(): void {
    for (const stop of this.#watchers) stop();
    this.#plot?.destroy();
  }

  #resize(): void {
    const { clientWidth: width } = this.#place;
    if (this.#plot !== null && width > 0 && this.#plot.width !== width)
      this.#plot.setSize({ width, height });
  }

  /** In the colours of now. */
  #redo(): void {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#steps !== null) this.#make();
  }

  #make(): void {
    const steps = this.#steps as Steps;
    this.#plot = new uPlot(
      this.#options(),
      stackedColumns(steps) as uPlot.AlignedData,
      this.#place,
    );
  }

  #options(): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (token: string) => style.getPropertyValue(token).trim();
    const bars = uPlot.paths.bars?.({ size: [0.85, 40], align: 1 });
    const [quiet, line] = [colour('--quiet'), colour('--line')];
    const axis = {
      stroke: quiet,
      font: `12px ${style.fontFamily}`,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1, size: 4 },
    };
    return {
      width: Math.max(1, this.#place.clientWidth),
      height,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: false, y: false, setScale: false },
      },
      hooks: { setCursor: [(plot) => this.#onPoint(this.#barAt(plot))] },
      scales: {
        x: { time: false, range: () => this.#range() },
        y: { range: (_, __, most) => [0, Math.max(4, Math.ceil((most ?? 0) * 1.1))] },
      },
      axes: [
        {
          ...axis,
          size: 28,
          space: 64,
          incrs: hours,
          values: (_, splits) => splits.map(clockText),
        },
        { ...axis, size: 44, incrs: counts },
      ],
      series: [
        {},
        ...barTokens.map((token) => ({
          fill: colour(token),
          width: 0,
          points: { show: false },
          ...(bars !== undefined && { paths: bars }),
        })),
      ],
    };
  }

  /** The last bar ends when its step does. */
  #range(): [number, number] {
    const { at, step } = this.#steps as Steps;
    return [at[0] ?? 0, (at.at(-1) ?? 0) + step];
  }

  /** A bar stands to the right of its time, and uPlot's own choice is the time that is nearest. */
  #barAt(plot: uPlot): number | null {
    const { left = -1 } = plot.cursor;
    if (left < 0 || this.#steps === null) return null;
    const { at, step } = this.#steps;
    const bar = Math.floor((plot.posToVal(left, 'x') - (at[0] ?? 0)) / step);
    return bar >= 0 && bar < at.length ? bar : null;
  }
}

/** Between two labels of the time: 5, 10, 15 and 30 minutes, then hours. */
const hours = [300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600];

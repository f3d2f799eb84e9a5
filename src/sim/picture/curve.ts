/**
 * The delivery curve: which share of all pairs of a message and an interested peer had been delivered how long after
 * the message was published. Time is logarithmic, because live delivery takes a tenth of a second and catch-up minutes.
 */
import { circle, element, group, line, short, text } from '../../picture/svg.ts';

export interface CurveData {
  /** ms from publication to display, ascending, one for each delivered pair */
  readonly delaysMs: readonly number[];
  /** pairs that should have been delivered */
  readonly pairs: number;
}

/** The delay below which the share `share` of the delivered pairs lies; 0 without any. */
export function delayAt(delaysMs: readonly number[], share: number): number {
  return delaysMs[Math.max(0, Math.ceil(delaysMs.length * share) - 1)] ?? 0;
}

const LEFT = 46;
const BOTTOM = 34;
const TOP = 26;
const RIGHT = 16;
const FIRST_MS = 10;
/** Round times that people know; beyond the last one, powers of ten of it. */
const TICKS_MS = [10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 360_000_000] as const;
/** points of the line: more than a screen shows makes only bytes */
const POINTS_MAX = 240;

export function describeMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${short(Math.round(ms / 100) / 10)} s`;
  if (ms < 3_600_000) return `${short(Math.round(ms / 6000) / 10)} min`;
  return `${short(Math.round(ms / 360_000) / 10)} h`;
}

interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (share: number) => number;
  readonly lastMs: number;
}

function scaleOf(data: CurveData, width: number, height: number): Scale {
  const longest = data.delaysMs.at(-1) ?? 0;
  // Room for the names of the marks, which stand at the right of them.
  const lastMs = TICKS_MS.find((ms) => ms >= 10 * Math.max(longest, 100)) ?? 10 * longest;
  const [w, h] = [width - LEFT - RIGHT, height - TOP - BOTTOM];
  return {
    x: (ms) => LEFT + (w * Math.log(Math.max(ms, FIRST_MS) / FIRST_MS)) / Math.log(lastMs / FIRST_MS),
    y: (share) => TOP + h * (1 - share),
    lastMs,
  };
}

function drawAxes({ x, y, lastMs }: Scale): string[] {
  const parts: string[] = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(line(LEFT, y(share), x(lastMs), y(share), { class: share === 0 ? 'axis' : 'grid' }));
    parts.push(text(LEFT - 6, y(share) + 4, `${share * 100}%`, { class: 'tick', 'text-anchor': 'end' }));
  }
  for (const ms of TICKS_MS) {
    if (ms > lastMs) break;
    parts.push(line(x(ms), y(0), x(ms), y(1), { class: 'grid' }));
    parts.push(text(x(ms), y(0) + 16, describeMs(ms), { class: 'tick', 'text-anchor': 'middle' }));
  }
  const middle = (LEFT + x(lastMs)) / 2;
  parts.push(text(middle, y(0) + 31, 'since publishing', { class: 'tick', 'text-anchor': 'middle' }));
  return parts;
}

function drawLine({ delaysMs, pairs }: CurveData, { x, y, lastMs }: Scale): string {
  const step = Math.max(1, Math.floor(delaysMs.length / POINTS_MAX));
  const points: string[] = [`M${short(x(FIRST_MS))} ${short(y(0))}H${short(x(delaysMs[0] ?? FIRST_MS))}`];
  for (let i = 0; i < delaysMs.length; i += step) {
    points.push(`L${short(x(delaysMs[i] as number))} ${short(y((i + 1) / pairs))}`);
  }
  const reached = y(delaysMs.length / Math.max(1, pairs));
  points.push(`L${short(x(delaysMs.at(-1) ?? FIRST_MS))} ${short(reached)}`, `H${short(x(lastMs))}`);
  return element('path', { class: 'curve', d: points.join('') });
}

/** Where p50, p99 and 100% are reached. Names stand below the curve, which has passed there: nothing is in the way. */
function drawMarks({ delaysMs, pairs }: CurveData, { x, y, lastMs }: Scale): string[] {
  const made = delaysMs.length / Math.max(1, pairs);
  const marks: [string, number][] = [
    ['p50', 0.5],
    ['p99', 0.99],
    [made === 1 ? '100%' : `${short(100 * made)}%, the last`, 1],
  ];
  return marks.map(([name, share], i) => {
    const ms = delayAt(delaysMs, share);
    const [left, top] = [x(ms), y(share * made)];
    const isLate = left > x(lastMs) - 110;
    const words = text(left + (isLate ? -6 : 6), y(0.42 - 0.13 * i), `${name} ${describeMs(ms)}`, {
      class: 'mark-name',
      'text-anchor': isLate ? 'end' : 'start',
    });
    return [
      line(left, top, left, y(0), { class: 'mark' }),
      circle(left, top, 3.5, { class: 'point' }),
      words,
    ].join('');
  });
}

export const CURVE_STYLE = `
.axis{stroke:#1c2733;stroke-width:1}
.grid{stroke:#dde3e8;stroke-width:1}
.curve{fill:none;stroke:#0072b2;stroke-width:2.2;stroke-linejoin:round}
.mark{stroke:#d55e00;stroke-width:1;stroke-dasharray:2 3}
.point{fill:#d55e00}
.mark-name{font-weight:600;font-size:12px;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.tick{font-size:12px;fill:#44525f}`;

export function drawCurve(data: CurveData, width: number, height: number): string {
  const scale = scaleOf(data, width, height);
  if (data.delaysMs.length === 0)
    return text(LEFT, height / 2, 'Nothing was delivered to anybody else.', { class: 'tick' });
  return group({}, [...drawAxes(scale), drawLine(data, scale), ...drawMarks(data, scale)]);
}

/** The picture of a simulation: map, delivery curve and figures on one light page, as an SVG of its own. */

import { element, escapeText, group, short, text } from '../../picture/svg.ts';
import { CURVE_STYLE, type CurveData, drawCurve } from './curve.ts';
import { drawMap, LEGEND_HEIGHT, MAP_STYLE, type MapData } from './map.ts';

export interface PictureData {
  readonly title: string;
  /** one sentence that says what is seen, for whoever does not see it */
  readonly description: string;
  readonly map: MapData;
  readonly curve: CurveData;
  /** name and value, in order */
  readonly figures: readonly (readonly [string, string])[];
  /** frames sent by type, the most frequent first */
  readonly frames: readonly (readonly [string, number])[];
}

const MARGIN = 20;
const HEAD = 64;
const SIDE_WIDTH = 470;
const CURVE_HEIGHT = 300;
const ROW = 20;
const FRAMES_MAX = 8;

const STYLE = `
text{font-family:ui-sans-serif,system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-size:13px;fill:#1c2733}
.title{font-size:20px;font-weight:600}
.head{font-size:14px;font-weight:600}
.name{fill:#44525f}
.value{text-anchor:end;font-variant-numeric:tabular-nums}
.legend text{font-size:12px}
.bar{fill:#b7cfe0}${MAP_STYLE}${CURVE_STYLE}`;

function drawFigures(figures: PictureData['figures']): string {
  const rows = figures.flatMap(([name, value], i) => [
    text(0, i * ROW, name, { class: 'name' }),
    text(SIDE_WIDTH, i * ROW, value, { class: 'value' }),
  ]);
  return group({}, rows);
}

function drawFrames(frames: PictureData['frames']): string {
  const shown = frames.slice(0, FRAMES_MAX);
  const most = Math.max(1, ...shown.map(([, count]) => count));
  const rows = shown.flatMap(([name, count], i) => {
    const width = Math.max(1, (230 * count) / most);
    return [
      text(0, i * ROW, name, { class: 'name' }),
      element('rect', { class: 'bar', x: 110, y: i * ROW - 11, width, height: 13 }),
      text(SIDE_WIDTH, i * ROW, count.toLocaleString('en'), { class: 'value' }),
    ];
  });
  return group({}, rows);
}

/** Meshes of all sizes stay readable: names on the outer circle need their room. */
function mapSize(data: MapData): number {
  const leaves = data.peers.filter(({ isRelay }) => !isRelay).length;
  return Math.max(560, Math.min(1600, Math.round((leaves * 19) / Math.PI) + 180));
}

export function drawPicture(data: PictureData): string {
  const size = mapSize(data.map);
  const framesY = CURVE_HEIGHT + 50 + data.figures.length * ROW + 22;
  const sideHeight = framesY + 20 + Math.min(FRAMES_MAX, data.frames.length) * ROW;
  const width = size + SIDE_WIDTH + 3 * MARGIN;
  const height = HEAD + Math.max(size + LEGEND_HEIGHT, sideHeight) + MARGIN;
  const side = group({ transform: `translate(${short(size + 2 * MARGIN)} ${HEAD})` }, [
    text(0, 0, 'Share of deliveries made', { class: 'head' }),
    drawCurve(data.curve, SIDE_WIDTH, CURVE_HEIGHT),
    element('g', { transform: `translate(0 ${CURVE_HEIGHT + 40})` }, drawFigures(data.figures)),
    text(0, framesY, 'Frames sent', { class: 'head' }),
    element('g', { transform: `translate(0 ${framesY + 22})` }, drawFrames(data.frames)),
  ]);
  const parts = [
    element('title', { id: 'title' }, escapeText(data.title)),
    element('desc', { id: 'desc' }, escapeText(data.description)),
    element('style', {}, STYLE),
    element('rect', { width, height, fill: '#fbfcfd' }),
    text(MARGIN, 36, data.title, { class: 'title' }),
    element('g', { transform: `translate(${MARGIN} ${HEAD - 10})` }, drawMap(data.map, size)),
    side,
  ];
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${short(width)} ${short(height)}`,
    width,
    height,
    role: 'img',
    'aria-labelledby': 'title desc',
  };
  return `${element('svg', attributes, `\n${parts.join('\n')}\n`)}\n`;
}

// Curves over steps, on a linear or a logarithmic axis, with horizontal reference lines.
import { range } from "./chart_range.js";
import { colour, drawing, shortNumber } from "./elements.js";

const LEFT = 62;
const MOST_POINTS = 1500; // of a curve
const BOTTOM = 26;
const TOP = 10;
const RIGHT = 12;

// Round numbers between two, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= rough);
  const found = [];
  for (let value = Math.ceil(low / size) * size; value <= high + 1e-9 * size; value += size) found.push(Math.abs(value) < 1e-9 * size ? 0 : value);
  return found;
}

function logTicks(low, high) {
  const [from, to] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const every = Math.max(1, Math.ceil((to - from + 1) / 7));
  const found = [];
  for (let power = from; power <= to; power += every) found.push(10 ** power);
  return found.length > 1 ? found : [low * 1.5, high / 1.5];
}

const powerText = (value) => (value >= 1e4 || value < 1e-2 ? value.toExponential(0).replace("e+", "e").replace("-", "−") : shortNumber(value, 2));

// curves: { points: [[step, value]], colour, dashed, aside, label }; references: { value, label, colour }.
export function drawLineChart(canvas, { curves, references = [], isLog = false, xTitle = "", marker = null }) {
  const { context, width, height } = drawing(canvas);
  const [low, high] = range(curves, references, isLog);
  const last = Math.max(10, ...curves.map(({ points }) => points.at(-1)?.[0] ?? 0));
  const scale = isLog ? Math.log10 : (value) => value;
  const [bottom, top] = [scale(low), scale(high)];
  const x = (step) => LEFT + ((width - LEFT - RIGHT) * step) / last;
  const y = (value) => TOP + ((height - TOP - BOTTOM) * (top - scale(value))) / (top - bottom || 1);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of isLog ? logTicks(low, high) : ticks(low, high, 5)) {
    context.strokeStyle = colour("line");
    context.beginPath();
    context.moveTo(LEFT, Math.round(y(value)) + 0.5);
    context.lineTo(width - RIGHT, Math.round(y(value)) + 0.5);
    context.stroke();
    context.fillStyle = colour("muted");
    context.fillText(isLog ? powerText(value) : shortNumber(value, 2), LEFT - 7, y(value));
  }
  context.textAlign = "center";
  for (const step of ticks(0, last, Math.max(3, Math.min(8, width / 110)))) {
    if (Number.isInteger(step) && x(step) < width - RIGHT - 40) context.fillText(String(step), x(step), height - BOTTOM + 11);
  }
  context.textAlign = "right";
  context.fillText(xTitle, width - RIGHT, height - 6);
  for (const { value, colour: stroke } of references) {
    if (!Number.isFinite(value) || (isLog && value <= 0)) continue;
    context.strokeStyle = stroke;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(LEFT, y(value));
    context.lineTo(width - RIGHT, y(value));
    context.stroke();
    context.setLineDash([]);
  }
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT, height - BOTTOM + 2);
  context.clip();
  for (const curve of curves) drawCurve(context, curve, x, y, isLog);
  context.restore();
  if (marker) {
    context.fillStyle = curves[0]?.colour ?? colour("accent");
    context.beginPath();
    if (Number.isFinite(marker[1]) && (!isLog || marker[1] > 0)) context.arc(x(marker[0]), y(marker[1]), 4, 0, 7);
    context.fill();
  }
}

function drawCurve(context, { points, colour: stroke, dashed }, x, y, isLog) {
  context.strokeStyle = stroke;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.setLineDash(dashed ? [2, 4] : []);
  context.beginPath();
  let isOpen = false;
  const every = Math.max(1, Math.floor(points.length / MOST_POINTS));
  for (let at = 0; at < points.length; at++) {
    if (at % every && at !== points.length - 1) continue;
    const [step, value] = points[at];
    const shown = Number.isFinite(value) && (!isLog || value > 0);
    if (shown && isOpen) context.lineTo(x(step), y(value));
    else if (shown) context.moveTo(x(step), y(value));
    isOpen = shown;
  }
  context.stroke();
  context.setLineDash([]);
}

// A matrix as a picture: blue below 0, the paper's colour at 0, orange above; or two colours for a mask.
import { colour, drawing } from "./elements.js";

const parse = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

const SHADES = 255; // on each side of 0

// A colour as one number, in the order of bytes that an image has.
const pixel = (shade) => new Uint32Array(Uint8ClampedArray.from([...shade, 255]).buffer)[0];

// The colours of the theme as numbers, read once per theme.
export class Palette {
  constructor() {
    const [low, zero, high, on, off, red] = ["low", "zero", "high", "on", "off", "red"].map((name) => parse(colour(name)));
    [this.on, this.off, this.broken] = [on, off, red].map(pixel);
    this.shades = Uint32Array.from({ length: 2 * SHADES + 1 }, (_, at) => {
      const end = at < SHADES ? low : high;
      const part = Math.abs(at - SHADES) / SHADES;
      return pixel(zero.map((value, k) => value + (end[k] - value) * part));
    });
    this.accent = colour("accent");
    this.red = colour("red");
    this.line = colour("line");
  }

  // The pixels of values on a scale from -most to most.
  write(pixels, values, most) {
    const scale = most > 0 && Number.isFinite(most) ? SHADES / most : 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at] * scale;
      pixels[at] = value > -SHADES - 0.5 && value < SHADES + 0.5 ? this.shades[SHADES + Math.round(value)] : this.broken;
    }
  }

  writeMask(pixels, values) {
    for (let at = 0; at < values.length; at++) pixels[at] = values[at] < 0 ? this.off : this.on;
  }
}

// For each canvas, a small one with a pixel per cell, and its pixels.
const pixels = new WeakMap();

function pixelsOf(canvas, rows, columns) {
  const known = pixels.get(canvas);
  if (known && known.image.width === columns && known.image.height === rows) return known;
  const paper = document.createElement("canvas");
  Object.assign(paper, { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  const made = { paper, image, cells: new Uint32Array(image.data.buffer) };
  pixels.set(canvas, made);
  return made;
}

// Draw a pooled matrix. `marks`: { row, column } bands, and `wrong`: the cell that turns red.
export function drawHeatMap(canvas, matrix, palette, { isMask = false, marks = [], wrong = null } = {}) {
  const { context, width, height } = drawing(canvas);
  const { rows, columns, values } = matrix;
  if (!width) return;
  const { paper, image, cells } = pixelsOf(canvas, rows, columns);
  const most = Math.max(Math.abs(matrix.low), Math.abs(matrix.high));
  if (isMask) palette.writeMask(cells, values);
  else palette.write(cells, values, most);
  paper.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(paper, 0, 0, width, height);
  const [cellWide, cellTall] = [width / columns, height / rows];
  if (cellWide >= 9 && cellTall >= 7) drawGrid(context, palette, width, height, rows, columns);
  const place = (row, column) => [(column / matrix.wide) * cellWide, (row / matrix.tall) * cellTall];
  context.strokeStyle = palette.accent;
  context.lineWidth = 2;
  for (const { row, column } of marks) {
    const [left, top] = place(row ?? 0, column ?? 0);
    const wide = column === undefined ? width - 2 : Math.max(cellWide, 4);
    const tall = row === undefined ? height - 2 : Math.max(cellTall, 4);
    context.strokeRect(Math.min(Math.max(1, left), width - 5), Math.min(Math.max(1, top), height - 5), wide, tall);
  }
  if (wrong) {
    const [left, top] = place(wrong.row, wrong.column);
    context.strokeStyle = palette.red;
    context.lineWidth = 2.5;
    const side = Math.max(9, Math.min(cellWide, cellTall));
    context.strokeRect(Math.min(Math.max(2, left), width - side - 2), Math.min(Math.max(2, top), height - side - 2), side, side);
  }
}

function drawGrid(context, palette, width, height, rows, columns) {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  for (let row = 1; row < rows; row++) context.rect(0, Math.round((row * height) / rows), width, 0);
  for (let column = 1; column < columns; column++) context.rect(Math.round((column * width) / columns), 0, 0, height);
  context.stroke();
}

// The entry under a pointer.
export function cellUnder(canvas, matrix, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  const [rows, columns] = [1, 1, ...matrix.shape].slice(-2);
  const share = (at, from, size) => Math.min(0.9999, Math.max(0, (at - from) / size));
  return {
    row: Math.min(rows - 1, Math.floor(share(clientY, box.top, box.height) * matrix.rows) * matrix.tall),
    column: Math.min(columns - 1, Math.floor(share(clientX, box.left, box.width) * matrix.columns) * matrix.wide),
  };
}

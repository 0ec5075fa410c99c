// What the page needs for one picture of a run: pooled matrices, losses, the units, the plane.
import { rowsOn } from "./activity.js";
import { drawnShape } from "./arrays.js";
import { predict } from "./network.js";

const MOST_DRAWN = [128, 200]; // rows and columns of a picture; larger matrices are pooled

// A matrix in at most MOST_DRAWN cells: of each block, the entry with the largest magnitude.
export function pooled(array) {
  const [rows, columns] = drawnShape(array);
  const tall = Math.max(1, Math.ceil(rows / MOST_DRAWN[0]));
  const wide = Math.max(1, Math.ceil(columns / MOST_DRAWN[1]));
  const drawnRows = Math.ceil(rows / tall);
  const drawnColumns = Math.ceil(columns / wide);
  const values = new Float32Array(drawnRows * drawnColumns);
  const { data } = array;
  const [least, most] = [new Float64Array(drawnColumns), new Float64Array(drawnColumns)];
  let [low, high] = [Infinity, -Infinity];
  for (let top = 0; top < rows; top += tall) {
    least.fill(Infinity);
    most.fill(-Infinity);
    for (let row = top; row < Math.min(rows, top + tall); row++) extremes(data, row * columns, columns, wide, least, most);
    const start = (top / tall) * drawnColumns;
    for (let block = 0; block < drawnColumns; block++) {
      values[start + block] = -least[block] > most[block] ? least[block] : most[block];
      low = Math.min(low, least[block]);
      high = Math.max(high, most[block]);
    }
  }
  const isFinite = Number.isFinite(low) && Number.isFinite(high);
  const bad = isFinite ? 0 : data.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  return { shape: array.shape, rows: drawnRows, columns: drawnColumns, tall, wide, values, low, high, bad };
}

// The least and the largest entry of each block of a row, or NaN. (Math.min takes no branch, and so no wrong guess.)
function extremes(data, at, columns, wide, least, most) {
  for (let column = 0; column < columns; column++) {
    const block = wide === 1 ? column : Math.floor(column / wide);
    const value = data[at + column];
    least[block] = Math.min(least[block], value);
    most[block] = Math.max(most[block], value);
  }
}

// On which rows each unit is on: one byte per entry of h, for at most 400 rows.
export function unitMap(run) {
  const { h } = run.state.arrays;
  if (!h) return null;
  const [rows, units] = h.shape;
  const drawn = Math.min(rows, 400);
  return { rows, drawn, units, counts: rowsOn(h), on: Uint8Array.from(h.data.subarray(0, drawn * units), (value) => (value > 0 ? 1 : 0)) };
}

// At most `most` of the steps of a history, the last among them.
export function thinned(history, most) {
  const every = Math.max(1, Math.ceil(history.length / most));
  return history.filter((one, step) => one && (step % every === 0 || step === history.length - 1));
}

const PLANE_CELLS = 61;

// The network's answer on a grid of the plane, and on the rows; null unless there are two inputs.
export function planeMap(run, isClasses, reach) {
  const { arrays } = run.state;
  const { x, y } = arrays;
  if (x.shape[1] !== 2 || y.shape.length !== 2) return null;
  const grid = { shape: [PLANE_CELLS ** 2, 2], data: new Float64Array(2 * PLANE_CELLS ** 2) };
  for (let row = 0; row < PLANE_CELLS; row++) {
    for (let column = 0; column < PLANE_CELLS; column++) {
      const at = 2 * (row * PLANE_CELLS + column);
      grid.data[at] = reach.left + ((reach.right - reach.left) * column) / (PLANE_CELLS - 1);
      grid.data[at + 1] = reach.top + ((reach.bottom - reach.top) * row) / (PLANE_CELLS - 1);
    }
  }
  const outputs = predict(grid, arrays, run.settings);
  const values = isClasses ? Float32Array.from(largest(outputs)) : Float32Array.from({ length: PLANE_CELLS ** 2 }, (_, at) => outputs.data[at * y.shape[1]]);
  const { unseen } = run.state;
  const fresh = unseen && unseen.x.shape[1] === 2 ? pointsOf(unseen, run, isClasses) : [];
  return { values, reach, isClasses, points: pointsOf({ x, y }, run, isClasses), fresh };
}

// The rows of a table as points of the plane: { place, target, answer }.
function pointsOf({ x, y }, run, isClasses) {
  const outputs = predict(x, run.state.arrays, run.settings);
  const [targets, answers] = isClasses ? [largest(y), largest(outputs)] : [y, outputs].map(({ shape, data }) => data.filter((_, at) => at % shape[1] === 0));
  return Array.from({ length: x.shape[0] }, (_, row) => ({ place: [x.data[2 * row], x.data[2 * row + 1]], target: targets[row], answer: answers[row] }));
}

// The column of the largest entry of each row.
export function largest({ shape: [rows, columns], data }) {
  const best = [];
  for (let row = 0; row < rows; row++) {
    let at = 0;
    for (let column = 1; column < columns; column++) if (data[row * columns + column] > data[row * columns + at]) at = column;
    best.push(at);
  }
  return best;
}

// How many rows have their own class as the largest output.
export function rowsRight(run) {
  const { arrays } = run.state;
  const answers = largest(predict(arrays.x, arrays, run.settings));
  const truth = largest(arrays.y);
  return { right: answers.filter((answer, row) => answer === truth[row]).length, rows: truth.length };
}

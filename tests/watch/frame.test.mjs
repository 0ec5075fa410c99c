// Pooled pictures of matrices: small ones as they are, of large ones the entry with the largest magnitude per block.

import assert from "node:assert/strict";
import test from "node:test";

import { deadUnits } from "../../src/twolayer/watch/page/activity.js";
import { pooled, thinned, unitMap } from "../../src/twolayer/watch/page/frame.js";

const array = (shape, data) => ({ shape, data: Float64Array.from(data) });

test("a small matrix is drawn entry by entry", () => {
  const matrix = pooled(array([2, 3], [1, -5, 0, 2, 3, -4]));
  assert.deepEqual([...matrix.values], [1, -5, 0, 2, 3, -4]);
  assert.deepEqual([matrix.rows, matrix.columns, matrix.low, matrix.high, matrix.bad], [2, 3, -5, 3, 0]);
});

test("one-dimensional arrays are a row, a number is a cell", () => {
  assert.deepEqual([pooled(array([3], [1, 2, 3])).rows, pooled(array([3], [1, 2, 3])).columns], [1, 3]);
  assert.deepEqual([...pooled(array([], [7])).values], [7]);
});

test("of a large one each block shows its entry with the largest magnitude", () => {
  const [rows, columns] = [300, 450];
  const data = Array.from({ length: rows * columns }, (_, at) => ((at * 7919) % 2003) - 1001);
  const matrix = pooled(array([rows, columns], data));
  assert.deepEqual([matrix.rows, matrix.columns, matrix.tall, matrix.wide], [100, 150, 3, 3]);
  for (const [row, column] of [[0, 0], [17, 149], [99, 3]]) { // prettier-ignore
    const block = [];
    for (let r = 3 * row; r < 3 * row + 3; r++) for (let c = 3 * column; c < 3 * column + 3; c++) block.push(data[r * columns + c]);
    const most = Math.max(...block.map(Math.abs));
    assert.equal(Math.abs(matrix.values[row * 150 + column]), most);
    assert(block.includes(matrix.values[row * 150 + column]));
  }
});

test("entries that are not finite are counted, and NaN is seen", () => {
  const matrix = pooled(array([1, 4], [1, NaN, -Infinity, 2]));
  assert.equal(matrix.bad, 2);
  assert(Number.isNaN(matrix.values[1]));
  assert.equal(matrix.values[2], -Infinity);
  const large = Array.from({ length: 600 }, (_, at) => (at === 4 ? NaN : at));
  assert(Number.isNaN(pooled(array([1, 600], large)).values[1]));
});

test("a thinned history ends with the last step", () => {
  const steps = Array.from({ length: 1001 }, (_, step) => [step]);
  const some = thinned(steps, 100);
  assert(some.length <= 101);
  assert.deepEqual([some[0], some.at(-1)], [[0], [1000]]);
});

test("of many rows only some are drawn, and all are counted", () => {
  const rows = 450;
  const h = array([rows, 3], Array.from({ length: rows * 3 }, (_, at) => (at % 3 === 0 ? -1 : at % 3 === 1 ? Number(at > 3 * 420) : at % 2)));
  const { drawn, on, counts } = unitMap({ state: { arrays: { h } } });
  assert.deepEqual([drawn, on.length], [400, 1200]);
  assert.deepEqual([...counts], [0, 30, 225]); // the second unit is on beyond what is drawn: it is not dead
  assert.equal(deadUnits(counts), 1);
});

// The range of a chart.

import assert from "node:assert/strict";
import test from "node:test";

import { range } from "../../src/twolayer/watch/page/chart_range.js";

const curve = (values, how = {}) => ({ points: values.map((value, step) => [step, value]), ...how });
const near = (found, expected) => found.forEach((value, at) => assert(Math.abs(value / expected[at] - 1) < 1e-12, `${found} for ${expected}`));

test("a run before that diverged does not press the curve flat", () => {
  const now = curve([3e7, 2e6]);
  const before = [3e7, 1e30, 1e147, Infinity, NaN];
  near(range([now, curve(before, { aside: true })], [{ value: 609 }], true), [609 / 1.5, 4.5e7]);
  near(range([now, curve(before)], [{ value: 609 }], true), [609 / 1.5, 1.5e147]);
  assert.deepEqual(range([now, curve(before, { aside: true })], [], false), [0, 3.15e7]);
});

test("a run before that fell lower, or rose a little higher, is seen whole", () => {
  near(range([curve([3e7, 2e6]), curve([3e7, 9e8, 1e-3], { aside: true })], [], true), [1e-3 / 1.5, 9e8 * 1.5]);
});

test("where there is nothing else, it is seen; where there is nothing at all, an empty range", () => {
  near(range([curve([], {}), curve([5, 50], { aside: true })], [], true), [5 / 1.5, 75]);
  assert.deepEqual(range([curve([])], [], true), [0.1, 1]);
});

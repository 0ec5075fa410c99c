// The scale of learning rates: its ends, the rates on it that are tried, and a rate as a reader writes it.

import assert from "node:assert/strict";
import test from "node:test";

import { scaleEnds, TRIALS, trialRates } from "../../src/twolayer/watch/page/rate_scale.js";
import { rateEnds } from "../../src/twolayer/watch/page/rate_zones.js";
import { presetSettings, rateText, readRate } from "../../src/twolayer/watch/page/settings.js";

test("the ends do not depend on the rate that is chosen", () => {
  for (const rate of [1e-9, 1e-6, 3.3e-6, 1]) {
    assert.deepEqual(rateEnds({ ...presetSettings("P1"), rate }), [-8, -4]);
    assert.deepEqual(rateEnds({ ...presetSettings("small"), rate }), [-4, 0]);
  }
  assert.deepEqual(rateEnds(presetSettings("P2")), rateEnds(presetSettings("P1")));
});

test("sizes that no preset has take their ends from the curvature of the loss", () => {
  // with one row, unit and output, no rectifier, and y = 0, the loss is (x·w1·w2)²
  const own = { x: { shape: [1, 1], data: Float64Array.of(100) }, y: { shape: [1, 1], data: Float64Array.of(0) } };
  const settings = { ...presetSettings("small"), problem: "own", rows: 1, inputs: 1, hidden: 1, outputs: 1, activation: "identity" };
  const [low, high] = rateEnds(settings, own);
  const [small] = rateEnds(settings, { ...own, x: { shape: [1, 1], data: Float64Array.of(1) } });
  assert.equal(high - low, 4);
  assert.equal(small - low, 4); // x a hundred times as large: the curvature ten thousand times
});

test("a loss without curvature has a scale all the same", () => {
  for (const middle of [Infinity, NaN, 0, -1]) assert.deepEqual(scaleEnds(middle), [-4, 0]);
});

test("the rates that are tried go from one end to the other, the middle first", () => {
  const rates = trialRates([-8, -4]);
  assert.equal(rates.length, TRIALS);
  assert.equal(rates[0], 1e-6);
  const sorted = [...rates].sort((a, b) => a - b);
  for (const [rate, expected] of [[sorted[0], 1e-8], [sorted.at(-1), 1e-4]]) assert(Math.abs(rate / expected - 1) < 1e-12); // prettier-ignore
  for (let at = 1; at < sorted.length; at++) assert(Math.abs(sorted[at] / sorted[at - 1] - 10 ** (1 / 3)) < 1e-9);
});

test("a rate is read as Python reads it, and as this page writes it", () => {
  for (const [text, rate] of [["1e-6", 1e-6], [" 0.01 ", 0.01], ["2.2e−6", 2.2e-6], ["3", 3]]) assert.equal(readRate(text), rate); // prettier-ignore
  for (const text of ["", " ", "fast", "0", "-1", "inf", "1,5"]) assert(Number.isNaN(readRate(text)), text);
  for (const rate of [1e-6, 2.2e-6, 0.01, 1, 25000]) assert.equal(readRate(rateText(rate)), rate);
  assert.equal(rateText(1e-6), "1e-6");
});

// The page's program: its losses against those that tests/watch/test_javascript_program.py wrote into the folder NUMBERS, and its
// lines, which that test runs by NumPy afterwards.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { hessianProduct, largestCurvature, startDirection } from "../../src/twolayer/watch/page/curvature.js";
import { DifferenceFinder } from "../../src/twolayer/watch/page/difference.js";
import { BREAKS, presetSettings } from "../../src/twolayer/watch/page/settings.js";
import { TrainingRun } from "../../src/twolayer/watch/page/training_run.js";

const FOLDER = process.env.NUMBERS;
const expected = JSON.parse(readFileSync(join(FOLDER, "losses.json"), "utf8"));

function trained(settings, steps) {
  const run = new TrainingRun(settings);
  for (let step = 0; step < steps && !run.stopped; step++) run.stepIteration();
  return run;
}

const relative = (one, other) => Math.abs(one - other) / Math.abs(other);

for (const [program, losses] of Object.entries(expected)) {
  test(`losses of ${program} are NumPy's`, () => {
    const run = trained(presetSettings(program), losses.length);
    losses.forEach((loss, step) => {
      const most = step < 50 ? 1e-12 : 1e-8;
      assert(relative(run.losses[step], loss) <= most, `step ${step}: ${run.losses[step]} for ${loss}`);
    });
  });
}

const SMALL = { ...presetSettings("small"), rows: 5, inputs: 3, hidden: 6, outputs: 2, bias: true, seed: 4 };

function recomputed({ kind, terms, cells }, rate, count) {
  const total = () => terms.reduce((sum, { product }) => sum + product, 0);
  const [first, second] = cells ?? [];
  const rules = {
    sum: total,
    squares: total,
    mean_squares: () => total() / terms.length,
    column_sum: total,
    add: () => first.value + second.value,
    maximum: () => Math.max(first.value, 0),
    alias: () => first.value,
    copy: () => first.value,
    masked: () => 0,
    kept: () => second.value,
    difference: () => 2 * (first.value - second.value),
    mean_difference: () => (2 * (first.value - second.value)) / count,
    update: () => first.value - rate * second.value,
  };
  return rules[kind]();
}

for (const [name, change] of Object.entries({ right: {}, identity: { activation: "identity" }, order: { breaks: ["order"] }, mean: { breaks: ["mean"] }, copy: { breaks: ["copy"] } })) {
  test(`every cell is what its trace says: ${name}`, () => {
    const settings = { ...SMALL, ...change };
    const run = new TrainingRun(settings);
    for (let line = 0; line < 3 * run.lines.length; line++) {
      for (const variable of run.stepLine().writes) {
        const array = run.state.arrays[variable];
        const columns = array.shape.length === 2 ? array.shape[1] : array.data.length;
        array.data.forEach((value, at) => {
          const trace = run.trace(variable, Math.floor(at / columns), at % columns);
          const again = recomputed(trace, settings.rate, run.state.arrays.y.data.length);
          assert(Math.abs(again - value) <= 1e-12 * Math.max(1, Math.abs(value)), `${variable} ${at} ${trace.kind}: ${again} for ${value}`);
        });
      }
    }
  });
}

test("going back gives the very numbers of going forth", () => {
  const run = new TrainingRun(SMALL);
  const seen = [];
  for (let line = 0; line < 60; line++) {
    run.stepLine();
    seen.push(JSON.stringify([run.state.arrays, run.losses].map((part) => JSON.parse(JSON.stringify(part)))));
  }
  for (const place of [59, 40, 41, 17, 14, 3, 60]) {
    run.seek(place);
    assert.equal(run.place, place);
    const now = JSON.parse(JSON.stringify([run.state.arrays, run.losses]));
    const then = JSON.parse(seen[place - 1]);
    for (const [name, array] of Object.entries(then[0])) assert.deepEqual(now[0][name], array, `${name} at ${place}`);
    assert.deepEqual(now[1], then[1]);
  }
  run.seek(0);
  assert.equal(run.age("h"), "none");
  assert.equal(run.age("w1"), "given");
});

test("checkpoints are thinned, and going back still works", () => {
  const run = new TrainingRun({ ...presetSettings("P1"), rows: 2 });
  for (let step = 0; step < 130; step++) run.stepIteration();
  assert(run.stride > 1);
  const loss = run.losses[77];
  run.seek(78 * run.lines.length);
  assert.equal(run.losses[77], loss);
  assert.equal(run.losses.length, 78);
});

const WHERE = {
  mask: ["grad_h", 0], copy: ["grad_h_relu", 0], order: ["grad_h_relu", 0], mean: ["loss", 0],
  bias_sum: ["grad_b2", 0], accumulate: ["grad_w2", 1], zeros: ["w1", 0], flat_y: ["y", 0],
}; // prettier-ignore

for (const name of BREAKS) {
  test(`the first difference: ${name}`, () => {
    const run = new TrainingRun({ ...SMALL, breaks: [name] });
    const finder = new DifferenceFinder(run, new TrainingRun(SMALL));
    while (run.iteration < 3 && !run.stopped && !finder.found) finder.check(run.stepLine());
    assert.deepEqual([finder.found.variable, finder.found.step], WHERE[name]);
  });
}

test("the right program has no difference", () => {
  const run = new TrainingRun(SMALL);
  const finder = new DifferenceFinder(run, new TrainingRun(SMALL));
  for (let line = 0; line < 60; line++) finder.check(run.stepLine());
  assert.equal(finder.found, null);
});

test("float32 differs from float64 in the last digits only", () => {
  const [one, other] = ["float32", "float64"].map((dtype) => trained({ ...SMALL, dtype }, 5));
  assert.notEqual(one.losses[4], other.losses[4]);
  assert(relative(one.losses[4], other.losses[4]) < 1e-5);
});

test("the Hessian times a direction is the change of the gradient along it", () => {
  const { arrays } = trained(SMALL, 2).state;
  const direction = startDirection(arrays, SMALL);
  const nudge = 1e-6;
  const gradients = [1, -1].map((sign) => {
    const run = new TrainingRun(SMALL);
    for (const [name, { data }] of Object.entries(direction)) {
      data.forEach((value, at) => (run.state.arrays[name].data[at] = arrays[name].data[at] + sign * nudge * value));
    }
    run.stepIteration();
    return run.state.arrays;
  });
  for (const [name, { data }] of Object.entries(hessianProduct(arrays, SMALL, direction))) {
    data.forEach((value, at) => {
      const slope = (gradients[0][`grad_${name}`].data[at] - gradients[1][`grad_${name}`].data[at]) / (2 * nudge);
      assert(Math.abs(slope - value) < 1e-6 * Math.max(1, Math.abs(value)), `${name} ${at}: ${value} for ${slope}`);
    });
  }
});

test("what Python checks afterwards", () => {
  const settings = [SMALL, { ...SMALL, activation: "identity" }, presetSettings("P4")];
  for (const name of BREAKS) settings.push({ ...SMALL, breaks: [name] });
  settings.push({ ...SMALL, outputs: 1, breaks: ["flat_y"] }, { ...SMALL, outputs: 5, bias: false, breaks: ["flat_y"] });
  settings.push({ ...SMALL, breaks: ["mask", "mean", "accumulate", "order"] });
  settings.push(presetSettings("P1"));
  const programs = settings.map((chosen) => {
    const run = trained(chosen, 4);
    const { arrays } = new TrainingRun(chosen).state;
    return {
      setup: run.setup.map(({ code }) => code),
      lines: run.lines.filter(({ removed }) => !removed).map(({ code }) => code),
      losses: run.losses,
      stopped: run.stopped,
      curvature: chosen.breaks.length ? null : largestCurvature(arrays, chosen, startDirection(arrays, chosen)),
      breaks: chosen.breaks,
      activation: chosen.activation,
    };
  });
  writeFileSync(join(FOLDER, "programs.json"), JSON.stringify(programs));
});

// What the page gives away, written into the folder NUMBERS for tests/watch/test_exports.py to run and to read.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { csvText, jsonText, safetensorsBytes, scriptEngines, scriptText, tableText } from "../../src/twolayer/watch/page/exports.js";
import { presetSettings } from "../../src/twolayer/watch/page/settings.js";
import { TrainingRun } from "../../src/twolayer/watch/page/training_run.js";

const FOLDER = process.env.NUMBERS;
const texts = JSON.parse(readFileSync(join(FOLDER, "texts.json"), "utf8"));
const SMALL = { ...presetSettings("small"), rows: 5, inputs: 3, hidden: 6, outputs: 2, bias: true, seed: 4, rate: 1e-3 };
const STEPS = 40;

const own = {
  x: { shape: [4, 2], data: Float64Array.of(0.1, -2, 3e-7, 1e300, 5, 1 / 3, -0, 7) },
  y: { shape: [4, 1], data: Float64Array.of(1, 2.5, -1e-9, 4) },
};
own.x.data[3] = 0.25;

const SETTINGS = {
  P1: presetSettings("P1"),
  P3: presetSettings("P3"),
  P4: presetSettings("P4"),
  P4relu: presetSettings("P4relu"),
  float32: { ...SMALL, dtype: "float32" },
  seed: { ...SMALL, seed: 2 ** 40, bias: false, rate: 0.0001 },
  own: { ...SMALL, problem: "own", rows: 4, inputs: 2, outputs: 1 },
  several: { ...SMALL, breaks: ["mask", "mean", "order", "accumulate"] },
  column: { ...SMALL, outputs: 1, breaks: ["flat_y"], rate: 1e-4 },
};
for (const name of ["mask", "copy", "order", "mean", "accumulate", "zeros", "bias_sum"]) SETTINGS[name] = { ...SMALL, breaks: [name] };

test("scripts and the losses that they should print", () => {
  const programs = Object.entries(SETTINGS).flatMap(([name, settings]) => {
    const run = new TrainingRun(settings, settings.problem === "own" ? own : null);
    for (let step = 0; step < STEPS && !run.stopped; step++) run.stepIteration();
    assert(run.losses.every(Number.isFinite), name);
    assert.equal(run.stopped !== null, ["column", "bias_sum"].includes(name), name);
    const table = settings.problem === "own" ? tableText(own.x, own.y) : null;
    return scriptEngines(settings).map((engine) => {
      const lang = engine === "torch" ? "zh" : "en";
      return { name, engine, table, losses: run.losses, stopped: run.stopped, dtype: settings.dtype, script: scriptText(settings, texts, { engine, steps: STEPS, lang }) };
    });
  });
  writeFileSync(join(FOLDER, "programs.json"), JSON.stringify(programs));
});

test("gradients that are wrong on purpose are written by hand", () => {
  assert.deepEqual(scriptEngines({ ...SMALL, breaks: ["mask"] }), ["numpy", "torch"]);
  assert.deepEqual(scriptEngines({ ...SMALL, activation: "identity" }), ["numpy", "torch", "autograd"]);
  assert.deepEqual(scriptEngines(SMALL), ["numpy", "torch", "autograd", "custom"]);
});

test("a script is of its engine", () => {
  const script = (engine) => scriptText(SMALL, texts, { engine, steps: 7 });
  assert.match(script("custom"), /h_relu = Rectifier\.apply\(h\)/);
  assert.match(script("autograd"), /loss\.backward\(\)/);
  assert.doesNotMatch(script("torch"), /requires_grad|backward\(|Rectifier|\.dot/);
  assert.doesNotMatch(script("numpy"), /torch/);
  assert.match(script("numpy"), /for t in range\(7\):/);
});

test("arrays as files", () => {
  const arrays = {
    w1: own.x,
    b2: { shape: [3], data: Float64Array.of(1e-320, -0, 123456789.123) },
    loss: { shape: [], data: Float64Array.of(24.5) },
    single: { shape: [2, 2], data: Float32Array.of(0.1, 1e-40, -3, 16777217) },
    odd: { shape: [3], data: Float64Array.of(NaN, Infinity, -Infinity) },
  };
  writeFileSync(join(FOLDER, "arrays.json"), jsonText(arrays, SMALL));
  writeFileSync(join(FOLDER, "arrays.safetensors"), safetensorsBytes(arrays, SMALL));
  for (const [name, array] of Object.entries(arrays)) writeFileSync(join(FOLDER, `${name}.csv`), csvText(array));
  writeFileSync(join(FOLDER, "named.csv"), tableText(own.x, own.y, ['a "quoted", name', "two\nlines", "y"]));
  const views = { part: { shape: [2], data: Float64Array.of(1, 2, 3, 4).subarray(2) } };
  writeFileSync(join(FOLDER, "view.safetensors"), safetensorsBytes(views, SMALL));
});

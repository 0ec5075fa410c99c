// The program of the tutorial, line by line: what each line reads, writes and computes.
import { columnSums, copyOf, elementwise, product, reusable, subtractInPlace, sumOfSquares, zeros } from "./arrays.js";

// The array to write a variable into: its own, unless a second name stands for the same numbers.
function buffer(arrays, name) {
  const own = arrays[name];
  const shared = Object.entries(arrays).some(([other, array]) => other !== name && array === own);
  return shared ? null : own;
}

// What a line computes. Each takes the state's arrays and the line, and writes into those arrays.
const OPERATIONS = {
  dot(arrays, { left, right, leftT, rightT, writes: [name] }) {
    arrays[name] = product(arrays[left], arrays[right], leftT, rightT, buffer(arrays, name));
  },
  accumulate(arrays, line) {
    const [name] = line.writes;
    const added = line.left
      ? product(arrays[line.left], arrays[line.right], line.leftT)
      : columnSums(arrays[line.source]);
    arrays[name] = arrays[name] ? elementwise(arrays[name], added, (a, b) => a + b) : added;
  },
  add(arrays, { source, bias, writes: [name] }) {
    arrays[name] = elementwise(arrays[source], arrays[bias], (a, b) => a + b, buffer(arrays, name));
  },
  maximum(arrays, { source, writes: [name] }) {
    const { shape, data } = arrays[source];
    const out = reusable(buffer(arrays, name), shape, data.constructor);
    for (let i = 0; i < data.length; i++) out.data[i] = data[i] < 0 ? 0 : data[i]; // keeps NaN
    arrays[name] = out;
  },
  alias(arrays, { source, writes: [name] }) {
    arrays[name] = arrays[source];
  },
  copy(arrays, { source, writes: [name] }) {
    const { shape, data } = arrays[source];
    const out = reusable(buffer(arrays, name), shape, data.constructor);
    out.data.set(data);
    arrays[name] = out;
  },
  mask(arrays, { source, writes: [name] }) {
    const { data } = arrays[source];
    const target = arrays[name].data;
    for (let i = 0; i < data.length; i++) if (data[i] < 0) target[i] = 0;
  },
  loss(arrays, { mean, writes: [name] }) {
    const { y_pred: one, y: other } = arrays;
    const total = sumOfSquares(one, other);
    const count = mean ? elementwise(one, other, () => 0).data.length : 1;
    const out = reusable(buffer(arrays, name), [], one.data.constructor);
    out.data[0] = total / count;
    arrays[name] = out;
  },
  difference(arrays, { mean, writes: [name] }) {
    const { y_pred: one, y: other } = arrays;
    const count = mean ? arrays.y.data.length : 1;
    arrays[name] = elementwise(one, other, (a, b) => (2.0 * (a - b)) / count, buffer(arrays, name));
  },
  sum(arrays, { source, writes: [name] }) {
    arrays[name] = columnSums(arrays[source], buffer(arrays, name));
  },
  update(arrays, { gradient, writes: [name] }, rate) {
    subtractInPlace(arrays[name], arrays[gradient], rate);
  },
  nothing() {},
};

function runLine(line, state) {
  OPERATIONS[line.kind](state.arrays, line, state.rate);
}

function programLine(id, part, kind, code, reads, writes, more = {}) {
  const line = { id, part, kind, code, reads, writes, changed: "", ...more };
  line.run = (state) => runLine(line, state);
  return line;
}

const dot = (part, name, left, right, more = {}) => {
  const one = more.leftT ? `${left}.T` : left;
  const other = more.rightT ? `${right}.T` : right;
  return programLine(name, part, "dot", `${name} = ${one}.dot(${other})`, [left, right], [name], {
    left, right, leftT: false, rightT: false, ...more,
  }); // prettier-ignore
};

const bias = (name, own) =>
  programLine(`${name}_bias`, "forward", "add", `${name} = ${name} + ${own}`, [name, own], [name], {
    source: name, bias: own,
  }); // prettier-ignore

const rowSum = (name, source) =>
  programLine(name, "backward", "sum", `${name} = ${source}.sum(axis=0)`, [source], [name], { source });

const update = (name) =>
  programLine(`update_${name}`, "update", "update", `${name} -= learning_rate * grad_${name}`,
    [name, "learning_rate", `grad_${name}`], [name], { gradient: `grad_${name}` }); // prettier-ignore

function activationLines({ activation }) {
  if (activation === "identity") {
    return {
      forward: [programLine("h_relu", "forward", "alias", "h_relu = h", ["h"], ["h_relu"], { source: "h" })],
      backward: [
        programLine("grad_h", "backward", "alias", "grad_h = grad_h_relu", ["grad_h_relu"], ["grad_h"], {
          source: "grad_h_relu",
        }),
      ],
    };
  }
  return {
    forward: [
      programLine("h_relu", "forward", "maximum", "h_relu = np.maximum(h, 0)", ["h"], ["h_relu"], { source: "h" }),
    ],
    backward: [
      programLine("grad_h", "backward", "copy", "grad_h = grad_h_relu.copy()", ["grad_h_relu"], ["grad_h"], {
        source: "grad_h_relu",
      }),
      programLine("mask", "backward", "mask", "grad_h[h < 0] = 0", ["grad_h", "h"], ["grad_h"], { source: "h" }),
    ],
  };
}

// The lines of one step, in the order in which they run.
export function stepLines(settings) {
  const unit = activationLines(settings);
  const biased = settings.bias;
  const difference = ["y_pred", "y"];
  const lines = [
    dot("forward", "h", "x", "w1"),
    ...(biased ? [bias("h", "b1")] : []),
    ...unit.forward,
    dot("forward", "y_pred", "h_relu", "w2"),
    ...(biased ? [bias("y_pred", "b2")] : []),
    programLine("loss", "loss", "loss", "loss = np.square(y_pred - y).sum()", difference, ["loss"]),
    programLine("grad_y_pred", "backward", "difference", "grad_y_pred = 2.0 * (y_pred - y)", difference, ["grad_y_pred"]),
    dot("backward", "grad_w2", "h_relu", "grad_y_pred", { leftT: true }),
    ...(biased ? [rowSum("grad_b2", "grad_y_pred")] : []),
    dot("backward", "grad_h_relu", "grad_y_pred", "w2", { rightT: true }),
    ...unit.backward,
    dot("backward", "grad_w1", "x", "grad_h", { leftT: true }),
    ...(biased ? [rowSum("grad_b1", "grad_h")] : []),
    ...weightNames(settings).map(update),
  ];
  return settings.breaks.reduce((all, name) => CHANGES[name](all, settings), lines);
}

export function weightNames(settings) {
  return settings.bias ? ["w1", "b1", "w2", "b2"] : ["w1", "w2"];
}

const changed = (line, name, more) => programLine(line.id, line.part, more.kind ?? line.kind, line.code, line.reads, line.writes, {
  ...line, changed: name, original: line.code, ...more,
}); // prettier-ignore

const replaced = (lines, id, name, change) => lines.map((line) => (line.id === id ? changed(line, name, change(line)) : line));

// "Break it": what each switch makes of the right program's lines.
const CHANGES = {
  mask: (lines) => replaced(lines, "mask", "mask", () => ({ kind: "nothing", removed: true })),
  copy: (lines, { activation }) => {
    if (activation === "identity") return lines;
    const shared = replaced(lines, "grad_h", "copy", () => ({ kind: "alias", code: "grad_h = grad_h_relu" }));
    return replaced(shared, "mask", "", (line) => ({ writes: [...line.writes, "grad_h_relu"], changed: line.changed }));
  },
  order(lines) {
    const moved = lines.find((line) => line.id === "update_w2");
    const others = lines.filter((line) => line !== moved);
    const at = others.findIndex((line) => line.id === "grad_h_relu");
    return [...others.slice(0, at), changed(moved, "order", {}), ...others.slice(at)];
  },
  mean: (lines) =>
    replaced(
      replaced(lines, "loss", "mean", () => ({ mean: true, code: "loss = np.square(y_pred - y).mean()" })),
      "grad_y_pred",
      "mean",
      () => ({ mean: true, code: "grad_y_pred = 2.0 * (y_pred - y) / y.size" }),
    ),
  bias_sum: (lines) =>
    replaced(
      replaced(lines, "grad_b2", "bias_sum", () => ({ kind: "alias", code: "grad_b2 = grad_y_pred" })),
      "grad_b1",
      "bias_sum",
      () => ({ kind: "alias", code: "grad_b1 = grad_h" }),
    ),
  accumulate: (lines) =>
    lines.map((line) => {
      const [name] = line.writes;
      const isGradient = line.part === "backward" && /^grad_[wb]\d$/.test(name);
      if (!isGradient || line.kind === "alias") return line;
      const code = line.code.replace(" = ", " += ");
      return changed(line, "accumulate", { kind: "accumulate", code, reads: [...line.reads, name] });
    }),
  zeros: (lines) => lines,
  flat_y: (lines) => lines,
};

// The lines before the loop. `own` names the columns of a table of the user's own.
export function setupLines(settings) {
  const { rows, inputs, hidden, outputs, seed, rate, breaks, problem } = settings;
  const setup = (id, code, name = null, change = "") =>
    programLine(id, "setup", "nothing", code, [], name ? [name] : [], { changed: change });
  const start = (name, shape) =>
    breaks.includes("zeros")
      ? setup(`setup_${name}`, `${name} = np.zeros((${shape}))`, name, "zeros")
      : setup(`setup_${name}`, `${name} = rng.standard_normal((${shape}))`, name);
  const tables = {
    random: [["setup_x", "x = rng.standard_normal((n_rows, n_inputs))"], ["setup_y", "y = rng.standard_normal((n_rows, n_outputs))"]],
    quadrants: [["points", "x = np.array(points)"], ["classes", "y = np.eye(4)[quadrant - 1]"]],
    own: [["own_x", "x = table[:, inputs]"], ["own_y", "y = table[:, targets]"]],
  }; // prettier-ignore
  const lines = [
    setup("import", "import numpy as np"),
    setup("sizes", `n_rows, n_inputs, n_hidden, n_outputs = ${rows}, ${inputs}, ${hidden}, ${outputs}`),
    setup("rng", `rng = np.random.default_rng(${seed})`),
    ...tables[problem].map(([id, code]) => setup(id, code, code[0])),
  ];
  if (breaks.includes("flat_y")) lines.push(setup("flat_y", "y = y[:, 0]", "y", "flat_y"));
  lines.push(start("w1", "n_inputs, n_hidden"), start("w2", "n_hidden, n_outputs"));
  if (settings.bias) {
    lines.push(setup("setup_b1", "b1 = rng.standard_normal(n_hidden)", "b1"));
    lines.push(setup("setup_b2", "b2 = rng.standard_normal(n_outputs)", "b2"));
  }
  lines.push(setup("learning_rate", `learning_rate = ${pythonNumber(rate)}`, "learning_rate"));
  return lines;
}

// A number as Python's repr writes it: 1e-06, 0.01, 3.5e-05.
export function pythonNumber(value) {
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

// The twelve points of the plane near and far from the axes, and the quadrant of each.
const CORNERS = [[1, 1], [-1, 1], [-1, -1], [1, -1]]; // prettier-ignore
export const QUADRANT_POINTS = [
  ...CORNERS,
  ...CORNERS.map(([i, j]) => [10 * i, j]),
  ...CORNERS.map(([i, j]) => [i, 10 * j]),
];

export function quadrantOf([right, up]) {
  if (up > 0) return right > 0 ? 1 : 2;
  return right > 0 ? 4 : 3;
}

const oneHot = (classes, n) => {
  const out = zeros([classes.length, n]);
  classes.forEach((number, row) => (out.data[row * n + number] = 1));
  return out;
};

function quadrantTables(points = QUADRANT_POINTS) {
  const x = { shape: [points.length, 2], data: Float64Array.from(points.flat()) };
  return { x, y: oneHot(points.map((point) => quadrantOf(point) - 1), 4) };
}

// The arrays before the first step: NumPy's own numbers for this seed, in the order of the program,
// and the rows that training never sees. `own` is { x, y, newX, newY }, a table of the user's.
export function initialState(settings, generator, own = null) {
  const { rows, inputs, hidden, outputs, breaks } = settings;
  const normal = (...shape) => ({ shape, data: generator.standardNormal(shape.reduce((a, b) => a * b, 1)) });
  let tables;
  if (settings.problem === "quadrants") tables = quadrantTables();
  else if (settings.problem === "own") tables = { x: copyOf(own.x), y: copyOf(own.y) };
  else tables = { x: normal(rows, inputs), y: normal(rows, outputs) };
  const start = breaks.includes("zeros") ? (...shape) => zeros(shape) : normal;
  const weights = { w1: start(inputs, hidden), w2: start(hidden, outputs) };
  if (settings.bias) Object.assign(weights, { b1: normal(hidden), b2: normal(outputs) });
  const unseen = unseenRows(settings, normal, own);
  const arrays = { ...tables, ...weights };
  if (breaks.includes("flat_y")) {
    arrays.y = { shape: [rows], data: arrays.y.data.filter((_, at) => at % outputs === 0) };
  }
  if (settings.dtype === "float32") {
    for (const array of Object.values(arrays)) array.data = Float32Array.from(array.data);
  }
  return { arrays, rate: settings.rate, unseen };
}

function unseenRows(settings, normal, own) {
  if (settings.problem === "quadrants") return quadrantTables([[111, -111], [1, 9], [8, 1], [1, 8]]); // prettier-ignore
  if (settings.problem === "own") return own.newX ? { x: own.newX, y: own.newY } : null;
  return { x: normal(settings.rows, settings.inputs), y: normal(settings.rows, settings.outputs) };
}

// The network's outputs for rows of x: the forward lines alone.
export function predict(x, arrays, settings) {
  let h = product(x, arrays.w1);
  if (settings.bias) h = elementwise(h, arrays.b1, (a, b) => a + b);
  if (settings.activation === "relu") h.data.forEach((value, at) => value < 0 && (h.data[at] = 0));
  const outputs = product(h, arrays.w2);
  return settings.bias ? elementwise(outputs, arrays.b2, (a, b) => a + b) : outputs;
}

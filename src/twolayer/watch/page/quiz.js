// "Guess first": a question on the line that runs next, other numbers for each seed.

const FEW = 5; // terms of a sum that a reader can add up

// A small generator of whole numbers below a limit: the same questions for the same seed and place.
function drawer(seed, place) {
  let state = (seed * 7919 + place * 104729 + 1) >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

// The shapes of all variables of a right program.
export function knownShapes({ rows, inputs, hidden, outputs }) {
  const shapes = {
    x: [rows, inputs], y: [rows, outputs], w1: [inputs, hidden], b1: [hidden], w2: [hidden, outputs], b2: [outputs],
    h: [rows, hidden], h_relu: [rows, hidden], y_pred: [rows, outputs], loss: [], learning_rate: [],
  }; // prettier-ignore
  for (const name of ["w1", "b1", "w2", "b2", "h", "h_relu", "y_pred"]) shapes[`grad_${name}`] = shapes[name];
  return shapes;
}

function shapeChoices(shape, settings, draw) {
  const { rows, inputs, hidden, outputs } = settings;
  const sizes = [rows, inputs, hidden, outputs];
  const others = [[...shape].reverse(), [], [hidden], [rows, hidden], [rows, outputs], [inputs, hidden], [hidden, outputs], [hidden, hidden], [sizes[draw(4)], sizes[draw(4)]]];
  const texts = new Set([JSON.stringify(shape)]);
  const from = draw(others.length);
  for (let k = 0; k < others.length && texts.size < 4; k++) texts.add(JSON.stringify(others[(from + k) % others.length]));
  const choices = [...texts].map((text) => JSON.parse(text));
  return choices.map((choice) => [draw(1000), choice]).sort((a, b) => a[0] - b[0]).map(([, choice]) => choice);
}

// The entries that a reader needs to work out one cell of the line; null where there are too many.
function neededCells(line, row, column, shapes) {
  const cell = (name) => ({ name, row, column });
  const one = (name, at) => (shapes[name].length === 1 ? { name, row: 0, column: at } : { name, row, column: at });
  const rules = {
    maximum: () => [cell(line.reads[0])],
    difference: () => [cell("y_pred"), cell("y")],
    mask: () => [cell("h"), cell("grad_h")],
    update: () => [cell(line.writes[0]), cell(`grad_${line.writes[0]}`)],
    add: () => [cell(line.reads[0]), one(line.reads[1], column)],
  };
  return rules[line.kind]?.() ?? null;
}

// The terms of a product small enough to be worked out by hand.
function productCells(line, row, column, shapes) {
  const { left, right, leftT, rightT } = line;
  if (!left) return null;
  const inner = shapes[left][leftT ? 0 : 1];
  if (inner > FEW) return null;
  return Array.from({ length: inner }, (_, k) => [
    leftT ? { name: left, row: k, column: row } : { name: left, row, column: k },
    rightT ? { name: right, row: column, column: k } : { name: right, row: k, column },
  ]).flat();
}

// A question on a line: { kind: "shape" | "sign" | "value", variable, row, column, cells, choices, shape }.
export function quizQuestion(line, settings, place) {
  const draw = drawer(settings.seed, place);
  const shapes = knownShapes(settings);
  const [variable] = line.writes;
  const shape = shapes[variable];
  const [rows, columns] = [1, 1, ...shape].slice(-2);
  const [row, column] = [draw(rows), draw(columns)];
  const cells = neededCells(line, row, column, shapes) ?? productCells(line, row, column, shapes);
  if (!cells || (line.kind !== "mask" && line.kind !== "update" && draw(3) === 0)) {
    return { kind: "shape", variable, shape, choices: shapeChoices(shape, settings, draw) };
  }
  const kind = draw(2) ? "value" : "sign";
  return { kind, variable, row, column, cells, shape };
}

// Whether an answer is right: a shape, "positive" | "zero" | "negative", or a number within 1 in 100.
export function isRight(question, answer, value) {
  if (question.kind === "shape") return JSON.stringify(answer) === JSON.stringify(question.shape);
  if (question.kind === "sign") return answer === signOf(value);
  return Math.abs(answer - value) <= 0.01 * Math.abs(value) + 1e-9;
}

export function signOf(value) {
  if (value === 0) return "zero";
  return value > 0 ? "positive" : "negative";
}

// What can be taken from the page: scripts that print the losses of a setting, and arrays as CSV, JSON and safetensors.
import { pythonNumber, setupLines, stepLines, weightNames, QUADRANT_POINTS, quadrantOf } from "./network.js";

export const TABLE_FILE = "table.csv"; // what a script reads that is about a table of one's own

// The engines in which a setting's program can be written: gradients that are wrong on purpose need those by hand.
export function scriptEngines({ activation, breaks }) {
  if (breaks.some((name) => ["mask", "copy", "order", "bias_sum", "flat_y"].includes(name))) return ["numpy", "torch"];
  return ["numpy", "torch", "autograd", ...(activation === "relu" ? ["custom"] : [])];
}

// A Python script that runs a setting's program and prints its losses: the lines of the page, in one engine.
// `texts` are the page's texts, whose lines and comments are used; `own` is a table { x, y } of the user's.
export function scriptText(settings, texts, { engine = "numpy", steps = 500, lang = "en" } = {}) {
  const known = texts.engines[engine];
  const lines = engine === "numpy" ? stepLines(settings).filter(({ removed }) => !removed) : torchLines(settings, texts, engine);
  const [library, ...start] = setupLines(settings).map(({ code }) => code);
  const at = start.findIndex((code) => code.startsWith("x = "));
  const ofTorch = engine === "numpy" ? [] : torchSetup(settings, known);
  const [libraries, classes, tensors] = [/^import/, /^(class| )/, /^\w+ =|^\w+\.requires_grad/].map((kind) => ofTorch.filter((code) => kind.test(code)));
  const cleared = settings.breaks.includes("accumulate") && (engine === "numpy" || engine === "torch");
  const blocks = [
    [`"""${known.title[lang]}: ${settings.rows} × ${settings.inputs} → ${settings.hidden} → ${settings.outputs}."""`],
    [library, ...libraries],
    classes.length ? ["", classes.join("\n\n").replace("\n\n", "\n"), ""] : [],
    [...start.slice(0, at), ...tableLines(settings), ...start.slice(at), ...float32Lines(settings)],
    [...tensors, ...(cleared ? weightNames(settings).map((name) => `grad_${name} = 0`) : [])],
    [`for t in range(${steps}):`, ...loopLines(lines, texts, engine, lang)],
  ];
  return `${blocks.filter((block) => block.length).map((block) => block.join("\n")).join("\n\n")}\n`;
}

// What the lines of the setup take the table from.
function tableLines(settings) {
  if (settings.problem === "quadrants") return quadrantLines();
  return settings.problem === "own" ? ownLines(settings) : [];
}

function quadrantLines() {
  const points = QUADRANT_POINTS.map((point) => `(${point.map(pythonNumber).join(", ")})`);
  return [`points = [${points.join(", ")}]`, `quadrant = np.array([${QUADRANT_POINTS.map(quadrantOf).join(", ")}])`];
}

function ownLines({ inputs }) {
  return [
    `table = np.loadtxt("${TABLE_FILE}", delimiter=",", skiprows=1, ndmin=2)  # the page's data as CSV`,
    `inputs, targets = slice(0, ${inputs}), slice(${inputs}, None)`,
  ];
}

const arrayNames = (settings) => ["x", "y", ...weightNames(settings)];

function float32Lines(settings) {
  if (settings.dtype !== "float32") return [];
  return arrayNames(settings).map((name) => `${name} = ${name}.astype(np.float32)`);
}

function torchSetup(settings, { lines, order }) {
  const wanted = new Set(["import_torch", "class", "function_forward", "function_backward"]);
  for (const name of arrayNames(settings)) wanted.add(`tensor_${name}`).add(`requires_grad_${name}`);
  return order[settings.activation].filter((id) => wanted.has(id)).map((id) => lines[id].code);
}

function torchLines(settings, texts, engine) {
  const inTorch = (line) => ({ ...line, code: texts.in_torch.reduce((code, [one, other]) => code.replaceAll(one, other), line.code) });
  const byHand = stepLines(settings).filter(({ removed }) => !removed).map(inTorch);
  if (engine === "torch") return byHand;
  const { lines, order } = texts.engines[engine];
  const forward = byHand.filter(({ part }) => part === "forward" || part === "loss");
  const names = new Set(weightNames(settings));
  const wanted = (id) => {
    const [, kind, name] = /^(update|clear)_(\w+)$/.exec(id) ?? [];
    if (kind === "clear" && settings.breaks.includes("accumulate")) return false;
    return id === "backward" || id === "no_grad" || names.has(name);
  };
  const rest = order[settings.activation].filter(wanted).map((id) => ({ id, ...lines[id] }));
  const own = (line) => (engine === "custom" && line.id === "h_relu" ? { ...line, code: lines.h_relu.code } : line);
  return [...forward.map(own), ...rest];
}

function loopLines(lines, texts, engine, lang) {
  const out = [];
  let part = "";
  for (const line of lines) {
    if (line.part !== part) {
      if (part) out.push("");
      part = line.part;
      out.push(`    # ${texts.parts[part][lang].replace(/^\d+\. /, "")}`);
    }
    out.push(`    ${line.code}`);
    if (line.id === "loss") out.push(engine === "numpy" ? "    print(t, loss)" : "    print(t, loss.item())");
  }
  return out;
}

// Arrays as files ----------------------------------------------------------------------------------------------------

const shapeOf = ({ shape }) => (shape.length === 2 ? shape : [1, shape.length ? shape[0] : 1]);

const numberText = (value) => {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0.0" : String(value); // the shortest text that gives the same float64
};

const rowsOf = (array) => {
  const [rows, columns] = shapeOf(array);
  return Array.from({ length: rows }, (_, row) => Array.from(array.data.subarray(row * columns, (row + 1) * columns)));
};

// An array of any kind as lines of numbers with commas between.
export function csvText(array) {
  return rowsOf(array).map((row) => `${row.map(numberText).join(",")}\n`).join("");
}

// Inputs and targets side by side, below their names.
export function tableText(x, y, names = null) {
  const targets = y.shape.length === 2 ? y : { shape: [y.shape[0], 1], data: y.data };
  const numbered = (letter, count) => Array.from({ length: count }, (_, k) => `${letter}${k + 1}`);
  const head = (names ?? [...numbered("x", x.shape[1]), ...numbered("y", targets.shape[1])]).map((name) => name.replace(/\s+/g, " "));
  const quoted = head.map((name) => (/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name));
  const [left, right] = [rowsOf(x), rowsOf(targets)];
  return `${quoted.join(",")}\n${left.map((row, k) => `${[...row, ...right[k]].map(numberText).join(",")}\n`).join("")}`;
}

// Arrays by name as JSON: shape, dtype and nested lists. What is not a finite number is a text, as JSON has none.
export function jsonText(arrays, settings) {
  const dtype = ({ data }) => (data instanceof Float32Array ? "float32" : "float64");
  const value = (number) => (Number.isFinite(number) ? number : numberText(number));
  const nested = (array) => {
    const rows = rowsOf(array).map((row) => row.map(value));
    return array.shape.length === 2 ? rows : array.shape.length ? rows[0] : rows[0][0];
  };
  const listed = Object.entries(arrays).map(([name, array]) => [
    name,
    { shape: array.shape, dtype: dtype(array), data: nested(array) },
  ]);
  return JSON.stringify({ settings, arrays: Object.fromEntries(listed) });
}

// Arrays by name as the bytes of a safetensors file: the length of a header, the header in JSON, the numbers.
export function safetensorsBytes(arrays, settings) {
  const header = { __metadata__: { settings: JSON.stringify(settings) } };
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    const dtype = data instanceof Float32Array ? "F32" : "F64";
    header[name] = { dtype, shape, data_offsets: [end, (end += data.byteLength)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = 8 * Math.ceil(text.length / 8); // the numbers begin at a multiple of 8
  const bytes = new Uint8Array(8 + length + end).fill(32, 8, 8 + length);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.set(text, 8);
  let at = 8 + length;
  for (const { data } of Object.values(arrays)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at); // little-endian, as every browser is
    at += data.byteLength;
  }
  return bytes;
}

// A table of the user's own: read from CSV, checked, and made into x and y.

const MOST_BYTES = 20_000_000;
const MOST_ROWS = 2000;
const MOST_COLUMNS = 2000;
const MOST_CLASSES = 50;
const MOST_CATEGORIES = 20;
const FEW_CLASSES = 10; // whole numbers of so few kinds are taken as classes

// What is wrong with a table: the name of a sentence, and its values.
export class TableFault extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

// The cells of a CSV text: separated by the commonest of comma, semicolon and tab in its first line.
function parseCsv(text) {
  const first = text.replace(/^\uFEFF/, "");
  const line = first.slice(0, first.search(/\r|\n|$/));
  const delimiter = [",", ";", "\t"].reduce((best, mark) => (line.split(mark).length > line.split(best).length ? mark : best));
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || row[0].trim() !== "") rows.push(row);
    [row, cell] = [[], ""];
  };
  for (let at = 0; at < first.length; at++) {
    const letter = first[at];
    if (quoted) {
      if (letter === '"' && first[at + 1] === '"') cell += first[at++];
      else if (letter === '"') quoted = false;
      else cell += letter;
    } else if (letter === '"' && cell === "") quoted = true;
    else if (letter === delimiter) {
      row.push(cell);
      cell = "";
    } else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && first[at + 1] === "\n") at += 1;
      endRow();
    } else cell += letter;
  }
  if (cell !== "" || row.length) endRow();
  if (quoted) throw new TableFault("csv_quote");
  return rows.map((cells) => cells.map((text) => text.trim()));
}

const isNumber = (text) => text !== "" && !Number.isNaN(Number(text));
const GAPS = new Set(["", "na", "nan", "n/a", "null", "none", "?", "-", "inf", "-inf", "infinity"]);

// A table with a header (made up where the first line is all numbers): { names, rows }.
export function readTable(text) {
  if (text.length > MOST_BYTES) throw new TableFault("csv_bytes", { most: MOST_BYTES / 1e6 });
  const rows = parseCsv(text);
  if (!rows.length) throw new TableFault("csv_empty");
  const wide = rows[0].length;
  const ragged = rows.findIndex((row) => row.length !== wide);
  if (ragged > 0) throw new TableFault("csv_ragged", { row: ragged + 1, found: rows[ragged].length, wanted: wide });
  const hasHeader = !rows[0].every(isNumber);
  return checkedTable({ names: hasHeader ? rows.shift() : rows[0].map((_, at) => `column ${at + 1}`), rows });
}

// The same table, if the program can take its size and every cell holds something.
export function checkedTable({ names, rows }) {
  const wide = names.length;
  if (wide < 2) throw new TableFault("csv_one_column");
  if (rows.length < 4) throw new TableFault("csv_few_rows", { rows: rows.length });
  if (rows.length > MOST_ROWS) throw new TableFault("csv_rows", { rows: rows.length, most: MOST_ROWS });
  if (wide > MOST_COLUMNS) throw new TableFault("csv_columns", { columns: wide, most: MOST_COLUMNS });
  rows.forEach((row, r) => row.forEach((cell, c) => {
    if (GAPS.has(cell.toLowerCase())) throw new TableFault("csv_gap", { row: r + 1, column: names[c], cell: cell || "—" });
  })); // prettier-ignore
  return { names, rows };
}

const kinds = (values) => [...new Set(values)].sort((a, b) => (isNumber(a) && isNumber(b) ? a - b : a < b ? -1 : 1));

// Whether a target column holds classes rather than numbers.
export function looksLikeClasses(values) {
  if (!values.every(isNumber)) return true;
  return values.every((text) => Number.isInteger(Number(text))) && new Set(values).size <= FEW_CLASSES;
}

// One input column as one or more columns of numbers.
function inputColumns(name, values) {
  if (values.every(isNumber)) return [[name, values.map(Number)]];
  const found = kinds(values);
  if (found.length > MOST_CATEGORIES) throw new TableFault("csv_text", { column: name, cell: values.find((text) => !isNumber(text)), kinds: found.length });
  return found.map((kind) => [`${name} = ${kind}`, values.map((text) => (text === kind ? 1 : 0))]);
}

function standardised(columns) {
  return columns.map(([name, values]) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
    return [name, values.map((value) => (value - mean) / deviation)];
  });
}

const matrix = (columns, chosen) => {
  const data = new Float64Array(chosen.length * columns.length);
  chosen.forEach((row, r) => columns.forEach(([, values], c) => (data[r * columns.length + c] = values[row])));
  return { shape: [chosen.length, columns.length], data };
};

// The arrays of a program: every fourth row is kept from training, where there are enough.
export function tableArrays({ names, rows }, { target, standardise = true, asClasses = null }) {
  const at = names.indexOf(target);
  const values = rows.map((row) => row[at]);
  const isClasses = asClasses ?? looksLikeClasses(values);
  if (!isClasses && !values.every(isNumber)) throw new TableFault("csv_target_text", { column: target });
  const classes = isClasses ? kinds(values) : null;
  if (classes?.length === 1) throw new TableFault("csv_one_class", { column: target, cell: classes[0] });
  if (classes && classes.length > MOST_CLASSES) throw new TableFault("csv_classes", { column: target, classes: classes.length, most: MOST_CLASSES });
  let inputs = names.flatMap((name, column) => (column === at ? [] : inputColumns(name, rows.map((row) => row[column]))));
  if (inputs.length > MOST_COLUMNS) throw new TableFault("csv_columns", { columns: inputs.length, most: MOST_COLUMNS });
  let outputs = classes ? classes.map((kind) => [kind, values.map((text) => (text === kind ? 1 : 0))]) : [[target, values.map(Number)]];
  if (standardise) {
    inputs = standardised(inputs);
    if (!classes) outputs = standardised(outputs);
  }
  const all = rows.map((_, row) => row);
  const kept = rows.length >= 8 ? all.filter((row) => row % 4 === 3) : [];
  const trained = rows.length >= 8 ? all.filter((row) => row % 4 !== 3) : all;
  const unseen = kept.length ? { newX: matrix(inputs, kept), newY: matrix(outputs, kept) } : {};
  return { x: matrix(inputs, trained), y: matrix(outputs, trained), ...unseen, classes, names: inputs.map(([name]) => name), targets: outputs.map(([name]) => name) };
}

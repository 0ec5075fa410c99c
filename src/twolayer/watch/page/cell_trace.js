// What one cell of a variable was computed from: the products that sum to it, or the rule that gave it.
import { drawnShape, entry } from "./arrays.js";

const cell = (arrays, name, row, column) => ({ name, row, column, value: entry(arrays[name], row, column) });

function productTerms(arrays, line, row, column) {
  const { left, right, leftT, rightT } = line;
  const inner = arrays[left].shape[leftT ? 0 : 1];
  const terms = [];
  for (let k = 0; k < inner; k++) {
    const one = cell(arrays, left, leftT ? k : row, leftT ? row : k);
    const other = cell(arrays, right, rightT ? column : k, rightT ? k : column);
    terms.push({ one, other, product: one.value * other.value });
  }
  return {
    kind: "sum",
    terms,
    bands: [
      { name: left, axis: leftT ? "column" : "row", at: row },
      { name: right, axis: rightT ? "row" : "column", at: column },
    ],
  };
}

const operandColumn = (array, column) => Math.min(column, drawnShape(array)[1] - 1);

const TRACES = {
  dot: productTerms,
  accumulate: (arrays, line, row, column) => (line.left ? productTerms(arrays, line, row, column) : TRACES.sum(arrays, line, 0, column)),
  add(arrays, line, row, column) {
    const bias = cell(arrays, line.bias, 0, column);
    const value = entry(arrays[line.writes[0]], row, column);
    return { kind: "add", cells: [{ ...cell(arrays, line.source, row, column), value: value - bias.value }, bias], cellsOf: [line.bias] };
  },
  maximum: (arrays, line, row, column) => ({ kind: "maximum", cells: [cell(arrays, line.source, row, column)] }),
  alias: (arrays, line, row, column) => ({ kind: "alias", cells: [cell(arrays, line.source, row, column)] }),
  copy: (arrays, line, row, column) => ({ kind: "copy", cells: [cell(arrays, line.source, row, column)] }),
  mask(arrays, line, row, column) {
    const before = arrays.grad_h_relu ? [cell(arrays, "grad_h_relu", row, column)] : [];
    const gate = cell(arrays, line.source, row, column);
    return { kind: gate.value < 0 ? "masked" : "kept", cells: [gate, ...before] };
  },
  loss(arrays, line) {
    const { y_pred, y } = arrays;
    const [rows, columns] = drawnShape(y_pred);
    const terms = [];
    if (drawnShape(y)[0] !== rows || drawnShape(y)[1] !== columns) return { kind: "rule", cells: [] };
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const one = cell(arrays, "y_pred", row, column);
        const other = cell(arrays, "y", row, column);
        terms.push({ one, other, product: (one.value - other.value) ** 2 });
      }
    }
    return { kind: line.mean ? "mean_squares" : "squares", terms, bands: [] };
  },
  difference(arrays, line, row, column) {
    const y = cell(arrays, "y", Math.min(row, drawnShape(arrays.y)[0] - 1), operandColumn(arrays.y, column));
    return { kind: line.mean ? "mean_difference" : "difference", cells: [cell(arrays, "y_pred", row, operandColumn(arrays.y_pred, column)), y] };
  },
  sum(arrays, line, row, column) {
    const terms = [];
    const [rows] = drawnShape(arrays[line.source]);
    for (let k = 0; k < rows; k++) {
      const one = cell(arrays, line.source, k, column);
      terms.push({ one, product: one.value });
    }
    return { kind: "column_sum", terms, bands: [{ name: line.source, axis: "column", at: column }] };
  },
  update(arrays, line, row, column, old) {
    const gradient = cell(arrays, line.gradient, row, column);
    const before = { name: line.writes[0], row, column, value: entry(old[line.writes[0]], row, column) };
    return { kind: "update", cells: [before, gradient] };
  },
};

// What a line made this cell from. `arrays` are the arrays as the line read them; `old` the weights
// before the step. `value` is the cell itself.
export function cellTrace(line, arrays, variable, row, column, old = arrays) {
  const value = entry(arrays[variable], row, column);
  const known = TRACES[line.kind];
  const seen = line.kind === "update" ? arrays : { ...arrays, ...old, [variable]: arrays[variable] };
  const trace = known ? known(seen, line, row, column, old) : { kind: "rule", cells: [] };
  return { variable, row, column, value, code: line.code, ...trace };
}

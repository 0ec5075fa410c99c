// Arrays as NumPy has them: a shape, and the numbers row by row in one typed array.

// An error in NumPy's own words: { type: "ValueError", message }.
export class ArrayError extends Error {
  constructor(message, type = "ValueError") {
    super(message);
    this.type = type;
  }
}

export function zeros(shape, Numbers = Float64Array) {
  return { shape, data: new Numbers(shape.reduce((product, size) => product * size, 1)) };
}

export function copyOf(array) {
  return { shape: [...array.shape], data: array.data.slice() };
}

// Rows and columns as they are drawn: one-dimensional arrays are one row, a single number is one cell.
export function drawnShape(array) {
  const { shape } = array;
  if (shape.length === 2) return shape;
  return shape.length === 1 ? [1, shape[0]] : [1, 1];
}

export function entry(array, row, column) {
  return array.data[row * drawnShape(array)[1] + column];
}

// A shape as Python writes it: (64, 10), (10,), ().
export function shapeText(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

const tight = (shape) => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(",")})`);

// An array of this shape and type to write into: the one given, where it fits.
export function reusable(given, shape, Numbers) {
  const fits =
    given &&
    given.data.constructor === Numbers &&
    given.shape.length === shape.length &&
    given.shape.every((size, axis) => size === shape[axis]);
  return fits ? given : zeros(shape, Numbers);
}

function transposed(array) {
  const [rows, columns] = array.shape;
  const turned = zeros([columns, rows], array.data.constructor);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned.data[column * rows + row] = array.data[row * columns + column];
    }
  }
  return turned;
}

function alignedSizes(left, right, transposeLeft, transposeRight) {
  const one = transposeLeft ? [...left.shape].reverse() : left.shape;
  const other = transposeRight ? [...right.shape].reverse() : right.shape;
  if (one[one.length - 1] !== other[0]) {
    const axis = one.length - 1;
    throw new ArrayError(
      `shapes ${tight(one)} and ${tight(other)} not aligned: ` +
        `${one[axis]} (dim ${axis}) != ${other[0]} (dim 0)`,
    );
  }
  return [one[0], other[1], other[0]];
}

// left · right, either of them transposed first; written into `given` where that fits.
export function product(left, right, transposeLeft = false, transposeRight = false, given = null) {
  const [rows, columns, inner] = alignedSizes(left, right, transposeLeft, transposeRight);
  const out = reusable(given, [rows, columns], left.data.constructor);
  const second = transposeRight ? transposed(right) : right;
  out.data.fill(0);
  const [rowStep, innerStep] = transposeLeft ? [1, rows] : [inner, 1];
  multiply(left.data, rowStep, innerStep, second.data, out.data, rows, columns, inner);
  return out;
}

// Four rows and four terms at a time, so that each number that is read is used several times.
function multiply(a, rowStep, innerStep, b, out, rows, columns, inner) {
  const fullRows = rows - (rows % 4);
  const fullInner = inner - (inner % 4);
  for (let row = 0; row < fullRows; row += 4) {
    for (let k = 0; k < fullInner; k += 4) {
      addBlock(a, row * rowStep + k * innerStep, rowStep, innerStep, b, k * columns, out, row * columns, columns);
    }
  }
  for (let row = 0; row < rows; row++) addTerms(a, rowStep, innerStep, b, out, row, columns, row < fullRows ? fullInner : 0, inner);
}

function addBlock(a, at, rowStep, innerStep, b, p0, out, o0, columns) {
  const [q0, q1, q2, q3] = [at, at + rowStep, at + 2 * rowStep, at + 3 * rowStep];
  const [k1, k2, k3] = [innerStep, 2 * innerStep, 3 * innerStep];
  const c0 = a[q0], c1 = a[q0 + k1], c2 = a[q0 + k2], c3 = a[q0 + k3]; // prettier-ignore
  const d0 = a[q1], d1 = a[q1 + k1], d2 = a[q1 + k2], d3 = a[q1 + k3]; // prettier-ignore
  const e0 = a[q2], e1 = a[q2 + k1], e2 = a[q2 + k2], e3 = a[q2 + k3]; // prettier-ignore
  const f0 = a[q3], f1 = a[q3 + k1], f2 = a[q3 + k2], f3 = a[q3 + k3]; // prettier-ignore
  const [p1, p2, p3] = [p0 + columns, p0 + 2 * columns, p0 + 3 * columns];
  const [o1, o2, o3] = [o0 + columns, o0 + 2 * columns, o0 + 3 * columns];
  for (let j = 0; j < columns; j++) {
    const b0 = b[p0 + j], b1 = b[p1 + j], b2 = b[p2 + j], b3 = b[p3 + j]; // prettier-ignore
    out[o0 + j] += c0 * b0 + c1 * b1 + c2 * b2 + c3 * b3;
    out[o1 + j] += d0 * b0 + d1 * b1 + d2 * b2 + d3 * b3;
    out[o2 + j] += e0 * b0 + e1 * b1 + e2 * b2 + e3 * b3;
    out[o3 + j] += f0 * b0 + f1 * b1 + f2 * b2 + f3 * b3;
  }
}

function addTerms(a, rowStep, innerStep, b, out, row, columns, from, inner) {
  for (let k = from; k < inner; k++) {
    const factor = a[row * rowStep + k * innerStep];
    for (let j = 0; j < columns; j++) out[row * columns + j] += factor * b[k * columns + j];
  }
}

// The shape of one op other, by NumPy's rules for arrays of at most two axes.
function broadcastShape(one, other) {
  const length = Math.max(one.length, other.length);
  const shape = [];
  for (let axis = 0; axis < length; axis++) {
    const first = one[one.length - length + axis] ?? 1;
    const second = other[other.length - length + axis] ?? 1;
    if (first !== second && first !== 1 && second !== 1) {
      throw new ArrayError(
        `operands could not be broadcast together with shapes ${tight(one)} ${tight(other)} `,
      );
    }
    shape.push(first === 1 ? second : first);
  }
  return shape;
}

const steps = (shape, wide) => {
  const [rows, columns] = [1, 1, ...shape].slice(-2);
  return wide === 2 || shape.length ? [rows === 1 ? 0 : columns, columns === 1 ? 0 : 1] : [0, 0];
};

// combine(one, other) entry by entry.
export function elementwise(one, other, combine, given = null) {
  const shape = broadcastShape(one.shape, other.shape);
  const out = reusable(given, shape, one.data.constructor);
  const [rows, columns] = [1, 1, ...shape].slice(-2);
  const [rowOne, columnOne] = steps(one.shape, 2);
  const [rowOther, columnOther] = steps(other.shape, 2);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out.data[at++] = combine(
        one.data[row * rowOne + column * columnOne],
        other.data[row * rowOther + column * columnOther],
      );
    }
  }
  return out;
}

// target -= rate * gradient, in place, as NumPy does it: the target keeps its shape or the line stops.
export function subtractInPlace(target, gradient, rate) {
  const shape = broadcastShape(target.shape, gradient.shape);
  if (shape.length !== target.shape.length || shape.some((size, axis) => size !== target.shape[axis])) {
    throw new ArrayError(
      `non-broadcastable output operand with shape ${tight(target.shape)} ` +
        `doesn't match the broadcast shape ${tight(shape)}`,
    );
  }
  const [rows, columns] = [1, 1, ...shape].slice(-2);
  const [rowStep, columnStep] = steps(gradient.shape, 2);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      target.data[at++] -= rate * gradient.data[row * rowStep + column * columnStep];
    }
  }
}

export function columnSums(array, given = null) {
  const [rows, columns] = array.shape;
  const out = reusable(given, [columns], array.data.constructor);
  out.data.fill(0);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out.data[column] += array.data[row * columns + column];
  }
  return out;
}

// The sum of the squares of one - other, in float64.
export function sumOfSquares(one, other) {
  const difference = elementwise(one, other, (a, b) => a - b);
  let total = 0;
  for (const value of difference.data) total += value * value;
  return total;
}

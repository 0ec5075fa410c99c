// The largest curvature of the loss, by Lanczos's method on exact Hessian-vector products (Pearlmutter 1994).
// Gradient descent on a bowl with this curvature oscillates and grows where the learning rate is above 2 / curvature.
import { columnSums, elementwise, product } from "./arrays.js";
import { weightNames } from "./network.js";

const LEAST_TURNS = 10;
const SETTLED = 1e-5; // of a change from one turn to the next

const plus = (one, other) => elementwise(one, other, (a, b) => a + b);
const gate = (array, h, relu) => (relu ? elementwise(array, h, (value, at) => (at < 0 ? 0 : value)) : array);

// What every product needs: the values and gradients at these weights.
function linearisation(arrays, settings) {
  const relu = settings.activation === "relu";
  const { x, y, w1, w2, b1, b2 } = arrays;
  let h = product(x, w1);
  if (settings.bias) h = plus(h, b1);
  const hRelu = gate(h, h, relu);
  let outputs = product(hRelu, w2);
  if (settings.bias) outputs = plus(outputs, b2);
  const gradient = elementwise(outputs, y, (a, b) => 2 * (a - b));
  return { h, hRelu, gradient, relu };
}

// The Hessian of the loss times a direction { w1, w2, b1, b2 }.
export function hessianProduct(arrays, settings, direction, at = linearisation(arrays, settings)) {
  const { h, hRelu, gradient, relu } = at;
  const { x, w2 } = arrays;
  let changeH = product(x, direction.w1);
  if (settings.bias) changeH = plus(changeH, direction.b1);
  const changeRelu = gate(changeH, h, relu);
  let changeOut = plus(product(changeRelu, w2), product(hRelu, direction.w2));
  if (settings.bias) changeOut = plus(changeOut, direction.b2);
  const changeGradient = elementwise(changeOut, changeOut, (a) => 2 * a);
  const back = plus(product(changeGradient, w2, false, true), product(gradient, direction.w2, false, true));
  const backH = gate(back, h, relu);
  const result = {
    w1: product(x, backH, true),
    w2: plus(product(changeRelu, gradient, true), product(hRelu, changeGradient, true)),
  };
  return settings.bias ? { ...result, b1: columnSums(backH), b2: columnSums(changeGradient) } : result;
}

function dotOf(one, other, names) {
  let total = 0;
  for (const name of names) {
    const [a, b] = [one[name].data, other[name].data];
    for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  }
  return total;
}

// The largest curvature, by Lanczos's method: of all mixtures of start, H·start, H²·start, ... the one along which the loss
// curves most. To a ten-thousandth after some twenty products; NaN where the weights are not finite.
export function largestCurvature(arrays, settings, start, most = 40) {
  const names = weightNames(settings);
  const at = linearisation(arrays, settings);
  const [diagonal, beside] = [[], []]; // of the tridiagonal matrix
  let [before, direction] = [null, scaled(start, 1 / Math.sqrt(dotOf(start, start, names)), names)];
  let largest = NaN;
  for (let turn = 0; turn < most; turn++) {
    const next = hessianProduct(arrays, settings, direction, at);
    const along = dotOf(direction, next, names);
    if (!Number.isFinite(along)) return NaN;
    diagonal.push(along);
    addTo(next, direction, -along, names);
    if (before) addTo(next, before, -beside.at(-1), names);
    const known = largest;
    largest = largestEigenvalue(diagonal, beside);
    const length = Math.sqrt(dotOf(next, next, names));
    const isSettled = turn >= LEAST_TURNS && Math.abs(largest - known) < SETTLED * Math.abs(largest);
    if (isSettled || length < 1e-9 * Math.abs(largest)) break;
    beside.push(length);
    [before, direction] = [direction, scaled(next, 1 / length, names)];
  }
  return largest;
}

function scaled(direction, factor, names) {
  return Object.fromEntries(names.map((name) => [name, { ...direction[name], data: direction[name].data.map((value) => value * factor) }]));
}

function addTo(direction, other, factor, names) {
  for (const name of names) {
    const [data, added] = [direction[name].data, other[name].data];
    for (let i = 0; i < data.length; i++) data[i] += factor * added[i];
  }
}

// The largest eigenvalue of a symmetric tridiagonal matrix, by bisection.
function largestEigenvalue(diagonal, beside) {
  const reach = diagonal.map((value, at) => value + Math.abs(beside[at - 1] ?? 0) + Math.abs(at < diagonal.length - 1 ? beside[at] : 0));
  let [low, high] = [Math.max(...diagonal), Math.max(...reach)]; // Gershgorin's discs
  while (high - low > 1e-9 * Math.abs(high)) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (isAbove(middle, diagonal, beside)) high = middle;
    else low = middle;
  }
  return high;
}

// Whether a number is above all eigenvalues: all pivots of the matrix less that number are below 0.
function isAbove(number, diagonal, beside) {
  let pivot = -1;
  return diagonal.every((value, at) => {
    pivot = value - number - (at ? beside[at - 1] ** 2 / pivot : 0);
    return pivot < 0;
  });
}

// A direction to start from: the same numbers each time.
export function startDirection(arrays, settings) {
  let state = 12345;
  const draw = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5;
  return Object.fromEntries(
    weightNames(settings).map((name) => [name, { shape: arrays[name].shape, data: Float64Array.from(arrays[name].data, draw) }]),
  );
}

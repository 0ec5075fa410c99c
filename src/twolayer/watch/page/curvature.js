// The largest curvature of the loss, by power iteration on exact Hessian-vector products (Pearlmutter 1994).
// Gradient descent on a bowl with this curvature oscillates and grows where the learning rate is above 2 / curvature.
import { columnSums, elementwise, product } from "./arrays.js";
import { weightNames } from "./network.js";

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
  for (const name of names) for (let i = 0; i < one[name].data.length; i++) total += one[name].data[i] * other[name].data[i];
  return total;
}

// The largest curvature, to about a percent; NaN where the weights are not finite.
export function largestCurvature(arrays, settings, start, most = 60) {
  const names = weightNames(settings);
  const at = linearisation(arrays, settings);
  let direction = start;
  let curvature = NaN;
  for (let turn = 0; turn < most; turn++) {
    const length = Math.sqrt(dotOf(direction, direction, names));
    for (const name of names) direction[name].data.forEach((value, i, data) => (data[i] = value / length));
    const next = hessianProduct(arrays, settings, direction, at);
    const value = dotOf(direction, next, names);
    if (!Number.isFinite(value)) return NaN;
    const settled = Math.abs(value - curvature) < 1e-4 * Math.abs(value);
    curvature = value;
    if (settled) break;
    direction = next;
  }
  return curvature;
}

// A direction to start from: the same numbers each time.
export function startDirection(arrays, settings) {
  let state = 12345;
  const draw = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5;
  return Object.fromEntries(
    weightNames(settings).map((name) => [name, { shape: arrays[name].shape, data: Float64Array.from(arrays[name].data, draw) }]),
  );
}

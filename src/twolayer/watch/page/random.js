// NumPy's default generator: `new Generator(seed)` draws the numbers of `np.random.default_rng(seed)`.
//
// SeedSequence spreads the seed over 256 bits, PCG64 makes 64 random bits per step (O'Neill 2014), and the ziggurat
// makes normal numbers of them (Marsaglia & Tsang 2000). A word of 64 bits is two numbers of 32: `high` and `low`.

// PCG64's MULTIPLIER
const [M0, M1, M2, M3, M4, M5, M6, M7] = [0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360];
const LAST_EDGE = 3.6541528853610088; // of the ziggurat: beyond it comes the tail
const LAYER_AREA = 0.004928673233974652;
const PLACES = 2 ** 52; // in a layer

export class Generator {
  constructor(seed) {
    const words = seedWords(BigInt(seed));
    this.state = new Uint32Array(4); // 128 bits, the lowest 32 first
    this.high = this.low = 0; // the last word that was drawn
    const [a, b, c, d] = [words[6], words[7], words[4], words[5]];
    const odd = [(a << 1) | 1, (b << 1) | (a >>> 31), (c << 1) | (b >>> 31), (d << 1) | (c >>> 31)];
    this.increment = Uint32Array.from(odd, (limb) => limb >>> 0);
    this.step();
    add(this.state, [words[2], words[3], words[0], words[1]]);
    this.step();
  }

  // state = state * MULTIPLIER + increment, modulo 2^128: in columns of 16 bits, whose sums are exact in float64.
  step() {
    const { state, increment } = this;
    const a = state[0];
    const b = state[1];
    const c = state[2];
    const d = state[3];
    const s0 = a * M0 + increment[0];
    const s1 = a * M1 + Math.floor(s0 / 65536);
    const s2 = a * M2 + b * M0 + increment[1] + Math.floor(s1 / 65536);
    const s3 = a * M3 + b * M1 + Math.floor(s2 / 65536);
    const s4 = a * M4 + b * M2 + c * M0 + increment[2] + Math.floor(s3 / 65536);
    const s5 = a * M5 + b * M3 + c * M1 + Math.floor(s4 / 65536);
    const s6 = a * M6 + b * M4 + c * M2 + d * M0 + increment[3] + Math.floor(s5 / 65536);
    const s7 = a * M7 + b * M5 + c * M3 + d * M1 + Math.floor(s6 / 65536);
    state[0] = lowest16(s0) + lowest16(s1) * 65536;
    state[1] = lowest16(s2) + lowest16(s3) * 65536;
    state[2] = lowest16(s4) + lowest16(s5) * 65536;
    state[3] = lowest16(s6) + lowest16(s7) * 65536;
  }

  // Draw 64 bits: both halves of the state, one xor the other, rotated by its upper six bits.
  draw() {
    this.step();
    const { 0: s0, 1: s1, 2: s2, 3: s3 } = this.state;
    const places = s3 >>> 26;
    const swapped = places >= 32;
    const high = swapped ? s2 ^ s0 : s3 ^ s1;
    const low = swapped ? s3 ^ s1 : s2 ^ s0;
    const by = places & 31;
    this.high = (by ? (high >>> by) | (low << (32 - by)) : high) >>> 0;
    this.low = (by ? (low >>> by) | (high << (32 - by)) : low) >>> 0;
  }

  // Return a number in [0, 1), of 53 random bits.
  random() {
    this.draw();
    return (this.high * 2 ** 21 + (this.low >>> 11)) * 2 ** -53;
  }

  // Return `count` standard normal numbers.
  standardNormal(count) {
    ziggurat ??= zigguratTables();
    const numbers = new Float64Array(count);
    for (let i = 0; i < count; i++) numbers[i] = this.normal();
    return numbers;
  }

  // Of 64 bits the lowest 8 choose a layer, the next is the sign, the next 52 the place in the layer.
  normal() {
    const { width, height, inside } = ziggurat;
    for (;;) {
      this.draw();
      const layer = this.low & 255;
      const sign = this.low & 256 ? -1 : 1;
      const place = ((this.high >>> 9) & 0xfffff) * 2 ** 32 + (((this.low >>> 9) | (this.high << 23)) >>> 0);
      const x = sign * place * width[layer];
      if (place < inside[layer]) return x;
      if (!layer) return this.tail(place % 512 >= 256 ? -1 : 1);
      const y = (height[layer - 1] - height[layer]) * this.random() + height[layer];
      if (y < Math.exp(-0.5 * x * x)) return x;
    }
  }

  // Return a number beyond the last layer (Marsaglia 1964).
  tail(sign) {
    for (;;) {
      const x = -Math.log1p(-this.random()) * (1 / LAST_EDGE);
      const y = -Math.log1p(-this.random());
      if (y + y > x * x) return sign * (LAST_EDGE + x);
    }
  }
}

const lowest16 = (x) => x - Math.floor(x / 65536) * 65536;

// Add a number of 128 bits to another, in its place.
function add(limbs, others) {
  let carry = 0;
  for (let i = 0; i < 4; i++) {
    const sum = limbs[i] + others[i] + carry;
    limbs[i] = sum;
    carry = sum >= 2 ** 32 ? 1 : 0;
  }
}

// Return the eight words of 32 bits that NumPy's SeedSequence makes of a seed: hashed into a pool of four, and hashed again.
function seedWords(seed) {
  const entropy = [];
  for (let rest = seed; rest || !entropy.length; rest >>= 32n) entropy.push(Number(rest & 0xffffffffn));
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [0, 1, 2, 3].map((i) => hash(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of entropy.slice(4)) {
    for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(word));
  }
  const hashAgain = hasher(0x8b51f9dd, 0x58f38ded);
  return [...pool, ...pool].map(hashAgain);
}

function hasher(constant, multiplier) {
  return (word) => {
    word ^= constant;
    constant = Math.imul(constant, multiplier);
    word = Math.imul(word, constant);
    return (word ^ (word >>> 16)) >>> 0;
  };
}

function mix(one, other) {
  const word = (Math.imul(0xca01f9dd, one) - Math.imul(0x4973f715, other)) | 0;
  return (word ^ (word >>> 16)) >>> 0;
}

// The ziggurat: exp(-x²/2) under 256 layers of one area. `width` times a place is x, `height` is exp(-x²/2) at the edge of
// each layer, and places below `inside` lie wholly under the curve. NumPy has these tables in its source, made by these
// lines with a library whose exp was one bit off at layer 38.
let ziggurat = null;

function zigguratTables() {
  const [edge, height, inside] = [0, 1, 2].map(() => new Float64Array(256));
  edge[255] = LAST_EDGE;
  height[255] = exp(-0.5 * LAST_EDGE * LAST_EDGE);
  edge[0] = LAYER_AREA / height[255];
  inside[0] = Math.floor(((LAST_EDGE * height[255]) / LAYER_AREA) * PLACES);
  height[0] = 1;
  for (let i = 254; i > 0; i--) {
    edge[i] = Math.sqrt(-2 * log(LAYER_AREA / edge[i + 1] + height[i + 1]));
    height[i] = exp(-0.5 * edge[i] * edge[i]) + (i === 38 ? 2 ** -53 : 0);
    inside[i + 1] = Math.floor((edge[i] / edge[i + 1]) * PLACES);
  }
  return { width: edge.map((x) => x / PLACES), height, inside };
}

// exp and log rounded correctly, as those of a browser need not be: in whole numbers, as multiples of 2^-100.
const ONE = 1n << 100n;
const fixed = (x) => BigInt(x * 2 ** 100);
const float = (x) => Number(x) / 2 ** 100;

function fixedExp(x) {
  let sum = ONE;
  for (let term = ONE, k = 1n; term; k++) {
    term = ((term * x) >> 100n) / k;
    sum += term;
  }
  return sum;
}

// Of a negative number.
function exp(x) {
  return float((ONE * ONE) / fixedExp(fixed(-x)));
}

// Of a number below 1: one step of Newton from the browser's own.
function log(x) {
  const guess = fixed(-Math.log(x));
  return float(((fixed(x) * fixedExp(guess)) >> 100n) - ONE - guess);
}

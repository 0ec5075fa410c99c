// The page's generator against NumPy's, whose numbers tests/watch/test_random.py writes into the folder NUMBERS.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Generator } from "../../src/twolayer/watch/page/random.js";

const FOLDER = process.env.NUMBERS;
const LAST_EDGE = 3.6541528853610088; // of the ziggurat: beyond it NumPy takes a logarithm of the system's library

function numbersOf(name) {
  const bytes = readFileSync(join(FOLDER, name));
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function assertSame(numbers, expected) {
  assert.equal(numbers.length, expected.length);
  for (let i = 0; i < numbers.length; i++) {
    const near = Math.abs(expected[i]) > LAST_EDGE ? 4e-15 : 0;
    if (!(Math.abs(numbers[i] - expected[i]) <= near)) assert.fail(`${i}: ${numbers[i]} for ${expected[i]}`);
  }
}

const files = readdirSync(FOLDER);
assert(files.length > 4);

for (const name of files) {
  const [kind, seed] = name.split("-");
  test(`${kind} numbers of seed ${seed}`, () => {
    const generator = new Generator(BigInt(seed));
    const expected = numbersOf(name);
    if (kind === "normal") assertSame(generator.standardNormal(expected.length), expected);
    else assertSame(Float64Array.from(expected, () => generator.random()), expected);
  });
}

test("a draw goes on where the last one ended", () => {
  const [one, other] = [new Generator(3), new Generator(3)];
  const pieces = [...one.standardNormal(5), ...one.standardNormal(0), ...one.standardNormal(700)];
  assert.deepEqual(pieces, [...other.standardNormal(705)]);
});

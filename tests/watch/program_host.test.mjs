// What the page's own thread answers to the requests in the folder NUMBERS, for tests/watch/test_program_host.py; and
// messages that pass between the page and the server.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { decodeMessage, encodeMessage } from "../../src/twolayer/watch/page/server_session.js";
import { LIMITS, MOST_NUMBERS } from "../../src/twolayer/watch/page/settings.js";
import { ProgramHost } from "../../src/twolayer/watch/page/worker.js";

const FOLDER = process.env.NUMBERS;
const bufferOf = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);

test("the answers of the page's own thread", () => {
  const all = decodeMessage(bufferOf(readFileSync(join(FOLDER, "requests"))));
  const answers = all.map((requests) => {
    const host = new ProgramHost(() => {});
    return requests.map((request) => structuredClone(host.answer(request)));
  });
  writeFileSync(join(FOLDER, "answers"), encodeMessage(answers));
  writeFileSync(join(FOLDER, "limits.json"), JSON.stringify({ LIMITS, MOST_NUMBERS }));
});

test("a message is the same after a way there and back", () => {
  const content = {
    text: "ReLU 梯度", odd: [NaN, Infinity, -Infinity, 1.5, null, true], none: [],
    arrays: [Float64Array.of(1, NaN), Float32Array.of(0.5, 1, 2), Uint8Array.of(1), Uint16Array.of(7, 8, 9), new Float64Array(0)],
    view: Float64Array.of(1, 2, 3).subarray(1),
  }; // prettier-ignore
  const back = decodeMessage(bufferOf(encodeMessage(content)));
  assert.deepEqual(back, { ...content, view: Float64Array.of(2, 3) });
  writeFileSync(join(FOLDER, "message"), encodeMessage(content));
  assert(existsSync(join(FOLDER, "from_python")));
  assert.deepEqual(decodeMessage(bufferOf(readFileSync(join(FOLDER, "from_python")))), back);
});

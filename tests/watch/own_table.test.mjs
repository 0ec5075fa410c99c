// Tables of users' own: what is read, and what is refused.

import assert from "node:assert/strict";
import test from "node:test";

import { MOST_LETTERS, packTable, unpackTable } from "../../src/twolayer/watch/page/table_link.js";
import { checkedTable, looksLikeClasses, readTable, tableArrays, TableFault } from "../../src/twolayer/watch/page/own_table.js";

const rowsOf = (text) => readTable(text).rows;

test("cells in quotes, semicolons, tabs, a mark at the start, and lines of Windows", () => {
  assert.deepEqual(rowsOf('a,b\n"1",2\n3,"4"\n5,6\n7,"8"'), [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]]); // prettier-ignore
  assert.deepEqual(rowsOf("\uFEFFa;b\r\n1;2\r\n3;4\r\n5;6\r\n7;8\r\n")[3], ["7", "8"]);
  assert.deepEqual(rowsOf('a\tb\n"x, ""y"""\t1\nz\t2\nz\t3\nz\t4')[0], ['x, "y"', "1"]);
  assert.deepEqual(readTable("1,2\n3,4\n5,6\n7,8").names, ["column 1", "column 2"]);
});

test("an open quote is said", () => {
  assert.throws(() => readTable('a,b\n"1,2\n3,4'), (fault) => fault instanceof TableFault && fault.key === "csv_quote"); // prettier-ignore
});

for (const gap of ["", "NA", "nan", "inf", "?"]) {
  test(`a gap "${gap}" names its row and column`, () => {
    assert.throws(() => readTable(`a,b\n1,2\n3,${gap}\n5,6\n7,8`), ({ key, values }) => key === "csv_gap" && values.row === 2 && values.column === "b"); // prettier-ignore
  });
}

test("texts as inputs become columns of 0 and 1, and every fourth row is kept from training", () => {
  const rows = Array.from({ length: 12 }, (_, row) => `${row},${["red", "blue"][row % 2]},${row % 3}`);
  const table = readTable(["size,colour,kind", ...rows].join("\n"));
  const { x, y, newX, names, classes } = tableArrays(table, { target: "kind", standardise: false });
  assert.deepEqual(names, ["size", "colour = blue", "colour = red"]);
  assert.deepEqual(classes, ["0", "1", "2"]);
  assert.deepEqual([x.shape, y.shape, newX.shape], [[9, 3], [9, 3], [3, 3]]); // prettier-ignore
  assert.deepEqual([...newX.data], [3, 1, 0, 7, 1, 0, 11, 1, 0]);
  assert.deepEqual([...x.data.slice(0, 6)], [0, 0, 1, 1, 1, 0]);
  assert.deepEqual([...y.data.slice(0, 6)], [1, 0, 0, 0, 1, 0]);
});

test("standardised columns have mean 0 and standard deviation 1; one that never changes is 0", () => {
  const table = readTable("a,b,t\n1,5,0.5\n2,5,1.5\n3,5,2.5\n6,5,7.5");
  const { x, y, classes } = tableArrays(table, { target: "t" });
  assert.equal(classes, null);
  for (const column of [0]) {
    const values = [0, 1, 2, 3].map((row) => x.data[2 * row + column]);
    assert(Math.abs(values.reduce((a, b) => a + b)) < 1e-12);
    assert(Math.abs(values.reduce((a, b) => a + b * b, 0) / 4 - 1) < 1e-12);
  }
  assert.deepEqual([1, 3, 5, 7].map((at) => x.data[at]), [0, 0, 0, 0]); // prettier-ignore
  assert(Math.abs(y.data.reduce((a, b) => a + b)) < 1e-12);
});

test("whole numbers of few kinds are classes, others are numbers", () => {
  assert(looksLikeClasses(["1", "2", "1"]));
  assert(looksLikeClasses(["yes", "no"]));
  assert(!looksLikeClasses(["1.5", "2"]));
  assert(!looksLikeClasses(Array.from({ length: 30 }, (_, k) => String(k))));
});

test("a table that was read elsewhere is checked too", () => {
  const rows = [["1", "p"], ["2", ""], ["3", "q"], ["4", "p"]];
  assert.throws(() => checkedTable({ names: ["a", "y"], rows }), ({ key, values }) => key === "csv_gap" && values.row === 2 && values.column === "y"); // prettier-ignore
});

test("a small table is the same after a way through a link, a large one is not taken", async () => {
  const table = { file: "花.csv", names: ["长度", "b"], rows: [["1", "x, \"y\""], ["2", "é"]], target: "b", isClasses: null, isScaled: false }; // prettier-ignore
  const letters = await packTable(table);
  assert.match(letters, /^[\w-]+$/);
  assert.deepEqual(await unpackTable(letters), table);
  const cells = Array.from({ length: 4000 }, (_, at) => [String((at * 7919 * 104729) % 1000003), String(at)]);
  assert.equal(await packTable({ ...table, rows: cells }), null);
  assert((await packTable({ ...table, rows: cells.slice(0, 100) })).length < MOST_LETTERS);
});

test("letters that hold no table are refused", async () => {
  const packed = (value) => packTable(value);
  for (const letters of ["", "a", "!!", (await packed({ names: ["a"], rows: [["1"]] })).slice(3), await packed({ names: ["a"], rows: [["1", "2"]] }), await packed({ names: ["a"], rows: [[1]] }), await packed([1])]) {
    await assert.rejects(unpackTable(letters), (fault) => fault instanceof TableFault && fault.key === "link_broken", letters);
  }
});

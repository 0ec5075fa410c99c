// A small table in a link: as JSON, compressed, in letters that an address may hold.
import { TableFault } from "./own_table.js";

export const MOST_LETTERS = 8000; // of a table in a link: longer ones are cut by programs that send them
const MOST_TEXT = 50 * MOST_LETTERS; // what is longer than this does not shrink enough

async function passed(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

// The letters of a table { file, names, rows, ... }, or null where it is too large for a link.
export async function packTable(table) {
  const text = JSON.stringify(table);
  if (text.length > MOST_TEXT || typeof CompressionStream === "undefined") return null;
  const bytes = await passed(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  const letters = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const safe = letters.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return safe.length <= MOST_LETTERS ? safe : null;
}

// The table of a link.
export async function unpackTable(letters) {
  let table;
  try {
    const bytes = Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    table = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await passed(bytes, new DecompressionStream("deflate-raw"))));
  } catch {
    throw new TableFault("link_broken");
  }
  const isRow = (row) => Array.isArray(row) && row.length === table.names.length && row.every((cell) => typeof cell === "string");
  if (!Array.isArray(table?.names) || !Array.isArray(table.rows) || ![table.names, ...table.rows].every(isRow)) throw new TableFault("link_broken");
  return table;
}

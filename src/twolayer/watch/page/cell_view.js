// Exact values in a window, and what one of them was computed from, written out.
import { make, exactNumber, shortNumber } from "./elements.js";
import { pythonNumber } from "./network.js";

const ROWS = 6;
const COLUMNS = 5;
const FEW_TERMS = 4;
const REST_MS = 400; // between two pictures of the exact values while the program runs fast

export class CellView {
  constructor(app) {
    this.app = app;
    this.chosen = app.chosen ?? { variable: "h", row: 0, column: 0 };
    this.hovered = null;
    this.traced = null;
    this.busy = false;
    this.drawnAt = 0;
    this.windowPart = make("div", { class: "stack" });
    this.tracePart = make("div", { class: "stack", "aria-live": "polite" });
    this.element = make("section", { class: "panel cells", "aria-label": app.say("exact_values") }, this.windowPart, this.tracePart);
  }

  choose(variable, row, column) {
    this.chosen = this.app.chosen = { variable, row, column };
    this.app.requestFrame();
  }

  hover(place) {
    const same = JSON.stringify(place) === JSON.stringify(this.hovered);
    this.hovered = place;
    if (!same) this.app.requestFrame();
  }

  // The bands to draw over a card: the row and the column that the traced cell was computed from.
  marks(name, variable) {
    const { traced } = this;
    if (!traced?.trace || name !== variable) return [];
    const marks = [];
    if (traced.variable === name) marks.push({ row: traced.row, column: traced.column });
    for (const band of traced.trace.bands ?? []) {
      if (band.name === name) marks.push(band.axis === "row" ? { row: band.at } : { column: band.at });
    }
    for (const cell of traced.trace.cells ?? []) if (cell.name === name && name !== traced.variable) marks.push({ row: cell.row, column: cell.column });
    return marks;
  }

  async draw(frame) {
    const { app } = this;
    const isFast = frame.running && app.speed >= 2;
    if (this.busy || (isFast && performance.now() - this.drawnAt < REST_MS)) return;
    this.busy = true;
    this.drawnAt = performance.now();
    try {
      const place = this.hovered ?? this.chosen;
      const { variable, row, column } = this.chosen;
      const half = [row - ROWS / 2, column - COLUMNS / 2];
      const [cells, traced] = await Promise.all([
        app.session.ask("cells", { variable, row: half[0], column: half[1], rows: ROWS, columns: COLUMNS }),
        app.session.ask("trace", place),
      ]);
      const isNew = JSON.stringify([traced.variable, traced.row, traced.column]) !== JSON.stringify([this.traced?.variable, this.traced?.row, this.traced?.column]);
      this.traced = traced;
      this.drawWindow(cells, frame);
      this.drawTrace(traced, place);
      if (isNew) app.requestFrame();
    } finally {
      this.busy = false;
    }
  }

  drawWindow(cells, frame) {
    const { app, chosen } = this;
    if (!cells) {
      this.windowPart.replaceChildren(make("h2", {}, chosen.variable), make("p", { class: "muted" }, app.say("not_computed")));
      this.windowKey = "";
      return;
    }
    const [rows, columns] = cells.drawn;
    chosen.row = Math.min(chosen.row, rows - 1);
    chosen.column = Math.min(chosen.column, columns - 1);
    const key = [chosen.variable, cells.firstRow, cells.firstColumn, ...cells.drawn, app.lang].join();
    if (key !== this.windowKey) this.buildWindow(cells);
    this.windowKey = key;
    const wrong = frame.found?.variable === chosen.variable ? frame.found : null;
    cells.values.forEach((values, r) =>
      values.forEach((value, c) => {
        const button = this.buttons[r][c];
        const [row, column] = [cells.firstRow + r, cells.firstColumn + c];
        const text = shortNumber(value, 5);
        if (button.textContent !== text) button.textContent = text;
        button.title = exactNumber(value);
        button.setAttribute("aria-pressed", String(row === chosen.row && column === chosen.column));
        button.setAttribute("aria-label", `${chosen.variable}[${row}, ${column}] = ${text}`);
        button.classList.toggle("wrong", wrong?.row === row && wrong?.column === column);
        button.tabIndex = row === chosen.row && column === chosen.column ? 0 : -1;
      }),
    );
  }

  buildWindow(cells) {
    const { app, chosen } = this;
    const [rows, columns] = cells.drawn;
    const hadFocus = this.windowPart.contains(document.activeElement) && document.activeElement.matches("td button");
    const input = (name, value, most) =>
      make("label", {}, app.say(name), make("input", { type: "number", min: 0, max: most, value, onchange: (event) => this.jump(name, event.target.value, most) }));
    this.buttons = cells.values.map((values, r) =>
      values.map((_, c) => make("button", { onclick: () => this.choose(chosen.variable, cells.firstRow + r, cells.firstColumn + c) })));
    const body = this.buttons.map((line, r) => make("tr", {}, make("th", { scope: "row" }, String(cells.firstRow + r)), line.map((button) => make("td", {}, button))));
    const head = make("tr", {}, make("td", {}), cells.values[0].map((_, c) => make("th", { scope: "col" }, String(cells.firstColumn + c))));
    const grid = make("table", { class: "window", onkeydown: (event) => this.steer(event, rows, columns) }, make("thead", {}, head), make("tbody", {}, body));
    const meaning = app.texts.variables[chosen.variable];
    this.windowPart.replaceChildren(
      make("div", { class: "row" }, make("h2", { class: "code" }, chosen.variable), make("span", { class: "muted small" }, meaning ? app.text(meaning) : "")),
      make("div", { class: "scroll" }, grid),
      make("div", { class: "fields" }, input("row", chosen.row, rows - 1), input("column", chosen.column, columns - 1), this.follow()),
    );
    if (hadFocus) this.buttons[chosen.row - cells.firstRow]?.[chosen.column - cells.firstColumn]?.focus();
  }

  follow() {
    const { app } = this;
    const input = make("input", { type: "checkbox", checked: app.follow, onchange: () => (app.follow = input.checked) });
    return make("label", { class: "tick" }, input, app.say("follow"));
  }

  jump(name, text, most) {
    const value = Math.max(0, Math.min(most, Math.round(Number(text)) || 0));
    this.choose(this.chosen.variable, name === "row" ? value : this.chosen.row, name === "column" ? value : this.chosen.column);
  }

  steer(event, rows, columns) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { variable, row, column } = this.chosen;
    const [r, c] = [Math.max(0, Math.min(rows - 1, row + move[0])), Math.max(0, Math.min(columns - 1, column + move[1]))];
    this.choose(variable, r, c);
    const at = this.buttons.flat().find((button) => button.getAttribute("aria-label").startsWith(`${variable}[${r}, ${c}]`));
    at?.focus();
  }

  drawTrace(traced, place) {
    const { app } = this;
    const key = JSON.stringify([traced.value, traced.trace?.code, place, app.lang, traced.age]);
    if (key === this.traceKey) return;
    this.traceKey = key;
    if (traced.age === "none") {
      this.tracePart.replaceChildren(make("h2", {}, app.say("computed_from")), make("p", { class: "muted" }, app.say("gradient_none", { name: place.variable })));
      return;
    }
    const { variable, row, column, value, trace, shape } = traced;
    const name = shape.length === 2 ? `${variable}[${row}, ${column}]` : shape.length === 1 ? `${variable}[${column}]` : variable;
    const head = [make("h2", {}, app.say("computed_from")), make("p", { class: "formula" }, `${name} = ${exactNumber(value)}`)];
    if (!trace) head.push(make("p", { class: "muted" }, app.say(traced.age === "given" ? "trace_given" : "trace_before")));
    else head.push(...traceLines(app, trace));
    this.tracePart.replaceChildren(...head);
  }
}

const at = ({ name, row, column }) => (name.startsWith("b") || name.startsWith("grad_b") ? `${name}[${column}]` : `${name}[${row}, ${column}]`);
const signed = (value) => (value < 0 ? `(${shortNumber(value)})` : shortNumber(value));

// The rule and the numbers, as lines of text; sums also as a table of their terms.
function traceLines(app, trace) {
  const line = (text) => make("p", { class: "formula" }, text);
  const [first, second] = trace.cells ?? [];
  const rules = {
    add: () => [line(`${shortNumber(first.value)} + ${at(second)} = ${shortNumber(first.value)} + ${signed(second.value)}`)],
    maximum: () => [line(`max(${at(first)}, 0) = max(${shortNumber(first.value)}, 0)`)],
    alias: () => [line(`${at(first)} = ${shortNumber(first.value)}`), make("p", { class: "muted" }, app.say("trace_alias"))],
    copy: () => [line(`${at(first)} = ${shortNumber(first.value)}`)],
    masked: () => [line(`${at(first)} = ${shortNumber(first.value)} < 0`), make("p", {}, app.say("trace_masked"))],
    kept: () => [line(`${at(first)} = ${shortNumber(first.value)} ≥ 0`), make("p", {}, app.say("trace_kept"))],
    difference: () => [line(`2 · (${at(first)} − ${at(second)}) = 2 · (${shortNumber(first.value)} − ${signed(second.value)})`)],
    mean_difference: () => [line(`2 · (${shortNumber(first.value)} − ${signed(second.value)}) / y.size`)],
    update: () => [line(`${at(first)} − learning_rate · ${at(second)}`), line(`= ${exactNumber(first.value)} − ${pythonNumber(app.settings.rate)} · ${signed(second.value)}`)],
    rule: () => [line(trace.code)],
  };
  if (rules[trace.kind]) return rules[trace.kind]();
  return sumLines(app, trace, line);
}

function sumLines(app, { kind, terms }, line) {
  const write = ({ one, other }) => {
    if (kind === "sum") return `${shortNumber(one.value)} · ${signed(other.value)}`;
    return other ? `(${shortNumber(one.value)} − ${signed(other.value)})²` : signed(one.value);
  };
  const shown = terms.slice(0, FEW_TERMS).map(write).join(" + ");
  const more = terms.length - FEW_TERMS;
  const names = { sum: ({ one, other }) => `${at(one)} · ${at(other)}`, squares: ({ one, other }) => `(${at(one)} − ${at(other)})²`, column_sum: ({ one }) => at(one) };
  const name = names[kind] ?? names.squares;
  const rows = terms.map((term) => make("tr", {}, make("td", { class: "text code" }, name(term)), make("td", {}, write(term)), make("td", {}, shortNumber(term.product, 6))));
  const head = make("tr", {}, ["product", "values", "result"].map((label, k) => make("th", { scope: "col", class: k ? null : "text" }, app.say(`term_${label}`))));
  return [
    line(`= ${shown}${more > 0 ? " + …" : ""}`),
    make("p", { class: "muted small" }, app.say(kind === "sum" ? "terms_products" : "terms_sum", { count: terms.length })),
    make("div", { class: "terms", tabindex: "0", role: "region", "aria-label": app.say("terms_table") }, make("table", {}, make("thead", {}, head), make("tbody", {}, rows.slice(0, 1000)))),
  ];
}

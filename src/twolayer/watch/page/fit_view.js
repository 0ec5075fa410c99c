// A saved model on rows of a table: which rows light which unit, dead units, the path of one row, and the span.
import { drawing, make, shortNumber, tableBehind } from "./elements.js";
import { cellUnder, drawHeatMap } from "./heat_map.js";

const MOST_UNITS = 12; // of a row's path that are written out

function matrixOf(rows) {
  const values = Float32Array.from(rows.flat());
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return { shape: [rows.length, rows[0].length], rows: rows.length, columns: rows[0].length, tall: 1, wide: 1, values, low, high, bad: 0 };
}

export class FitView {
  constructor(app) {
    this.app = app;
    this.fit = app.fit;
    app.fitPlace ??= { network: 0, row: 0 };
    this.map = make("canvas", { class: "map-canvas", role: "img", "aria-label": app.say("fit_map"), onclick: (event) => this.choose(cellUnder(this.map, this.matrix, event).row) });
    this.span = make("canvas", { class: "map-canvas", role: "img", "aria-label": app.say("fit_span") });
    this.note = make("p", { "aria-live": "polite" });
    this.path = make("div", { class: "stack", "aria-live": "polite" });
    this.table = tableBehind(app.say("fit_units"), [app.say("unit"), app.say("rows_on"), app.say("state"), app.say("fit_strongest")], () => this.unitRows());
    this.element = make("div", { class: "stack" }, make("p", {}, this.title()), this.fields(),
      make("section", { class: "panel stack", "aria-label": app.say("fit_map") }, make("h2", {}, app.say("fit_map")), make("p", { class: "muted small" }, app.say("fit_map_text")), this.map, this.note, this.table),
      make("section", { class: "panel stack", "aria-label": app.say("fit_path") }, make("h2", {}, app.say("fit_path")), this.path),
      this.network.span ? make("section", { class: "panel stack", "aria-label": app.say("fit_span") }, make("h2", {}, app.say("fit_span")), make("p", { class: "muted small" }, app.say("fit_span_text")), this.span) : null); // prettier-ignore
    this.matrix = matrixOf(this.network.h_relu);
    this.say();
  }

  get want() {
    return [];
  }

  get network() {
    return this.fit.networks[this.app.fitPlace.network];
  }

  title() {
    const { app, fit } = this;
    const shown = { file: fit.file, rows: String(fit.rows.length), all: String(fit.allRows), networks: String(fit.networks.length), many: String(fit.allNetworks) };
    return app.say(fit.allNetworks > 1 ? "fit_title_many" : "fit_title", shown);
  }

  fields() {
    const { app, fit } = this;
    const choice = (label, key, texts) => {
      const select = make("select", { "data-do": `fit-${key}`, onchange: () => { app.fitPlace[key] = Number(select.value); app.openTab("fit"); } },
        texts.map((text, k) => make("option", { value: k, selected: k === app.fitPlace[key] }, text))); // prettier-ignore
      return make("label", {}, app.say(label), select);
    };
    const networks = fit.networks.map((_, k) => String(k + 1));
    return make("div", { class: "fields" }, networks.length > 1 ? choice("fit_network", "network", networks) : null, choice("fit_row", "row", fit.rows));
  }

  choose(row) {
    this.app.fitPlace.row = Math.max(0, Math.min(this.fit.rows.length - 1, row));
    this.app.openTab("fit");
  }

  rowsOn(unit) {
    return this.network.h.filter((row) => row[unit] > 0).length;
  }

  unitRows() {
    const { app } = this;
    return this.network.strongest.map((inputs, unit) => {
      const on = this.rowsOn(unit);
      const state = on === 0 ? "dead" : on === this.fit.rows.length ? "always_on" : "works";
      return [String(unit), String(on), app.say(state), inputs.map(([name, weight]) => `${name} ${shortNumber(weight, 3)}`).join(", ")];
    });
  }

  say() {
    const { app, fit } = this;
    const counts = this.network.strongest.map((_, unit) => this.rowsOn(unit));
    const dead = counts.flatMap((count, unit) => (count === 0 ? [unit] : []));
    const always = counts.filter((count) => count === fit.rows.length).length;
    const isBent = ["relu", "leaky_relu"].includes(fit.activation);
    this.note.textContent = app.say(!isBent ? "fit_smooth" : dead.length ? "fit_dead" : "fit_alive", {
      activation: fit.activation, units: String(counts.length), dead: String(dead.length), always: String(always), names: dead.slice(0, 20).join(", "),
    }); // prettier-ignore
    this.drawPath();
  }

  // One row from its inputs to its outputs: the units that count most, and what they add up to.
  drawPath() {
    const { app, fit, network } = this;
    const { row } = app.fitPlace;
    const a = network.h_relu[row];
    const size = (unit) => Math.max(...network.w2[unit].map((weight) => Math.abs(a[unit] * weight)));
    const order = a.map((_, unit) => unit).sort((one, other) => size(other) - size(one));
    const shown = order.slice(0, MOST_UNITS);
    const rest = fit.outputs.map((_, k) => order.slice(MOST_UNITS).reduce((sum, unit) => sum + a[unit] * network.w2[unit][k], 0));
    const cells = (values) => values.map((value) => make("td", {}, shortNumber(value, 4)));
    const line = (name, values, inputs = "") => make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "text" }, inputs), make("td", {}, ""), ...cells(values));
    const unitLine = (unit) => make("tr", {},
      make("th", { scope: "row" }, String(unit)), make("td", { class: "text" }, this.inputsOf(unit, row)), make("td", {}, shortNumber(a[unit], 4)), ...cells(network.w2[unit].map((weight) => a[unit] * weight))); // prettier-ignore
    const heads = [app.say("unit"), app.say("fit_inputs"), "h_relu", ...fit.outputs.map((name) => `→ ${name}`)];
    const body = [
      ...shown.map(unitLine),
      order.length > MOST_UNITS ? line(app.say("fit_rest", { count: String(order.length - MOST_UNITS) }), rest) : null,
      network.skip ? line(app.say("fit_skip"), network.skip[row]) : null,
      line("b2", network.b2), line("y_pred", network.y_pred[row]),
    ]; // prettier-ignore
    const table = make("table", { class: "path" }, make("thead", {}, make("tr", {}, heads.map((name, k) => make("th", { scope: "col", class: k === 1 ? "text" : null }, name)))), make("tbody", {}, body));
    this.path.replaceChildren(make("p", {}, app.say(fit.isClasses ? "fit_path_classes" : "fit_path_text", { row: fit.rows[row] })),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": app.say("fit_path_table") }, table)); // prettier-ignore
  }

  // The inputs that moved a unit most in a row: their products with the weights, where the page has them.
  inputsOf(unit, row) {
    const { x, w1, inputs, strongest } = this.network;
    if (!x) return strongest[unit].slice(0, 3).map(([name]) => name).join(", ");
    const products = inputs.map((name, j) => [name, x[row][j] * w1[j][unit]]).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
    return products.slice(0, 3).map(([name, value]) => `${name} ${shortNumber(value, 3)}`).join(", ");
  }

  draw() {
    const { app, network } = this;
    drawHeatMap(this.map, this.matrix, app.palette, { marks: [{ row: app.fitPlace.row }] });
    if (network.span) drawHeatMap(this.span, matrixOf(network.span), app.palette);
    else drawing(this.span);
    this.table.fill();
  }
}

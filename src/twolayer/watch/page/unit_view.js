// Which units are on, row by row and over time; dead ones are marked.
import { deadUnits } from "./activity.js";
import { colour, drawing, make, setText, tableBehind } from "./elements.js";

export class UnitView {
  constructor(app) {
    this.app = app;
    this.map = make("canvas", { class: "map-canvas", role: "img", "aria-label": app.say("unit_map") });
    this.history = make("canvas", { class: "map-canvas", role: "img", "aria-label": app.say("unit_history") });
    this.note = make("p", { "aria-live": "polite" });
    this.table = tableBehind(app.say("table_units"), [app.say("unit"), app.say("rows_on"), app.say("state")], () => this.rows());
    const key = (kind, text) => make("span", {}, make("i", { class: `swatch-${kind}` }), text);
    this.element = make("div", { class: "stack" },
      make("section", { class: "panel stack", "aria-label": app.say("unit_map") },
        make("h2", {}, app.say("unit_map")), make("p", { class: "muted small" }, app.say("unit_map_text")), this.map,
        make("p", { class: "legend" }, key("on", app.say("on")), key("off", app.say("off")), key("dead", app.say("dead"))), this.note, this.table),
      make("section", { class: "panel stack", "aria-label": app.say("unit_history") },
        make("h2", {}, app.say("unit_history")), make("p", { class: "muted small" }, app.say("unit_history_text")), this.history)); // prettier-ignore
  }

  get want() {
    return ["units"];
  }

  rows() {
    const { app } = this;
    return Array.from(this.counts ?? [], (rows, unit) => [String(unit), String(rows), app.say(rows === 0 ? "dead" : rows === this.n ? "always_on" : "works")]);
  }

  draw(frame) {
    const { app } = this;
    if (!frame.units) {
      this.note.textContent = app.say("units_none");
      drawing(this.map);
      drawing(this.history);
      return;
    }
    const { drawn, units, on, rows, counts } = frame.units;
    Object.assign(this, { n: rows, counts });
    const dead = deadUnits(counts);
    drawImage(this.map, units, drawn, (row, unit) => (counts[unit] === 0 ? "red" : on[row * units + unit] ? "on" : "off"));
    const times = frame.activity;
    drawImage(this.history, units, times.length, (time, unit) => {
      const share = times[time][unit] / rows;
      return share === 0 ? "red" : share;
    });
    const isIdentity = app.settings.activation === "identity";
    const text = app.say(isIdentity ? "units_identity" : dead ? "units_dead" : "units_alive", { dead, units, on: counts.reduce((a, b) => a + b, 0), all: rows * units });
    const part = drawn < rows ? ` ${app.say("units_part", { drawn, rows })}` : "";
    setText(this.note, text + part);
    if (!frame.running) this.table.fill();
  }
}

const parse = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
const paper = document.createElement("canvas");

// shade(row, column): the name of a colour, or a share between off (0) and on (1).
function drawImage(canvas, columns, rows, shade) {
  const { context, width, height } = drawing(canvas);
  if (!rows || !columns) return;
  const shades = Object.fromEntries(["on", "off", "red"].map((name) => [name, parse(colour(name))]));
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const name = shade(row, column);
      for (let k = 0; k < 3; k++) {
        image.data[4 * (row * columns + column) + k] = typeof name === "string" ? shades[name][k] : shades.off[k] + (shades.on[k] - shades.off[k]) * name;
      }
      image.data[4 * (row * columns + column) + 3] = 255;
    }
  }
  Object.assign(paper, { width: columns, height: rows });
  paper.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(paper, 0, 0, width, height);
}

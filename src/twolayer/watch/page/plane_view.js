// For two inputs: the plane, the network's answer at each point of it, and the true border beside it.
import { colour, drawing, make, shortNumber, tableBehind } from "./elements.js";

const CLASS_COLOURS = ["#2f6f9f", "#c27a12", "#3d8a57", "#9a4f9c", "#b0483f", "#5d6470", "#128a8a", "#8a7a12"];

export class PlaneView {
  constructor(app) {
    this.app = app;
    this.wide = app.wide ?? false;
    this.canvas = make("canvas", { class: "plane-canvas", role: "img", "aria-label": app.say("plane") });
    this.note = make("p", { class: "question", "aria-live": "polite" });
    this.legend = make("p", { class: "legend" });
    this.table = tableBehind(app.say("table_points"), ["x[:, 0]", "x[:, 1]", app.say("target"), app.say("answer"), "", ""], () => this.rows());
    const zoom = make("label", { class: "row" }, make("input", { type: "checkbox", checked: this.wide, onchange: (event) => { this.wide = app.wide = event.target.checked; app.requestFrame(); } }), app.say("plane_wide")); // prettier-ignore
    this.element = make("section", { class: "panel stack", "aria-label": app.say("plane") },
      make("h2", {}, app.say("plane")), make("p", { class: "muted small" }, app.say(app.isClasses ? "plane_text" : "plane_numbers")), zoom, this.canvas, this.legend, this.note, this.table); // prettier-ignore
  }

  get want() {
    return ["plane"];
  }

  get reach() {
    const size = this.app.planeSize * (this.wide ? 10 : 1);
    return { left: -size, right: size, top: size, bottom: -size };
  }

  className(number) {
    return this.app.settings.problem === "quadrants" ? this.app.say("quadrant", { number: number + 1 }) : (this.app.own?.classes?.[number] ?? String(number));
  }

  rows() {
    const { app } = this;
    const { points, fresh, isClasses } = this.plane ?? { points: [], fresh: [] };
    const write = (value) => (isClasses ? this.className(value) : shortNumber(value));
    const row = ({ place, target, answer }, isNew) => [
      ...place.map((value) => shortNumber(value)), write(target), write(answer), isClasses ? (target === answer ? "✓" : "✗") : "", isNew ? app.say("new_point") : "",
    ]; // prettier-ignore
    return [...points.map((point) => row(point, false)), ...fresh.map((point) => row(point, true))];
  }

  draw({ plane, running }) {
    if (!plane) return;
    this.plane = plane;
    const { context, width, height } = drawing(this.canvas);
    drawField(context, plane, width, height);
    this.drawBorder(context, width, height);
    for (const point of plane.fresh) this.drawPoint(context, point, width, height, 4.5);
    for (const point of plane.points) this.drawPoint(context, point, width, height, 6.5);
    this.say(plane);
    if (!running) this.table.fill();
  }

  drawBorder(context, width, height) {
    if (this.app.settings.problem !== "quadrants") return;
    context.strokeStyle = colour("ink");
    context.setLineDash([5, 5]);
    context.beginPath();
    context.moveTo(width / 2, 0);
    context.lineTo(width / 2, height);
    context.moveTo(0, height / 2);
    context.lineTo(width, height / 2);
    context.stroke();
    context.setLineDash([]);
  }

  drawPoint(context, { place: [a, b], target, answer }, width, height, radius) {
    const { isClasses, reach } = this.plane;
    const x = (width * (a - reach.left)) / (reach.right - reach.left);
    const y = (height * (reach.top - b)) / (reach.top - reach.bottom);
    context.fillStyle = isClasses ? CLASS_COLOURS[target % CLASS_COLOURS.length] : colour(target < 0 ? "low" : "high");
    const wrong = isClasses && target !== answer;
    context.strokeStyle = wrong ? colour("red") : colour("panel");
    context.lineWidth = wrong ? 3 : 1.5;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
    context.stroke();
  }

  say({ points, fresh, isClasses }) {
    const { app } = this;
    const right = (all) => ({ right: all.filter(({ target, answer }) => target === answer).length, rows: all.length });
    const parts = [];
    if (isClasses) parts.push(app.say("rows_right", right(points)));
    if (isClasses && fresh.length) parts.push(app.say("new_right", right(fresh)));
    if (app.settings.problem === "quadrants" && app.settings.activation === "identity") parts.push(app.say("plane_linear"));
    const text = parts.join(" ");
    if (text !== this.note.textContent) this.note.textContent = text;
    const classes = isClasses ? [...new Set(points.map(({ target }) => target))].sort((a, b) => a - b) : [];
    const key = classes.map((number) => this.className(number)).join();
    if (key === this.key) return;
    this.key = key;
    this.legend.replaceChildren(...classes.map((number) => {
      const mark = make("i");
      mark.style.background = CLASS_COLOURS[number % CLASS_COLOURS.length];
      return make("span", {}, mark, this.className(number));
    }), ...(isClasses ? [make("span", {}, app.say("plane_ring"))] : []), ...(app.settings.problem === "quadrants" ? [make("span", {}, app.say("plane_border"))] : []));
  }
}


const field = document.createElement("canvas");

// The network's answer at every point of the plane.
function drawField(context, { values, isClasses }, width, height) {
  const cells = Math.round(Math.sqrt(values.length));
  const shades = isClasses ? CLASS_COLOURS : [colour("low"), colour("high")];
  const numbers = shades.map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  const image = new ImageData(cells, cells);
  values.forEach((value, at) => {
    const shade = isClasses ? numbers[value % numbers.length] : numbers[value < 0 ? 0 : 1];
    image.data.set([...shade, isClasses ? 80 : Math.min(255, (255 * Math.abs(value)) / most)], 4 * at);
  });
  Object.assign(field, { width: cells, height: cells });
  field.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(field, 0, 0, width, height);
}

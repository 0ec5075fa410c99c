// The program on the left: its buttons, its lines, the one that has just run, and what it does and why.
import { shapeText } from "./arrays.js";
import { make, setText, shortNumber } from "./elements.js";
import { equation } from "./equation.js";

export const SPEEDS = [
  { unit: "line", perSecond: 1 },
  { unit: "line", perSecond: 4 },
  { unit: "step", perSecond: 1 },
  { unit: "step", perSecond: 5 },
  { unit: "step", perSecond: 30 },
  { unit: "step", perSecond: 1000 },
];

// The text of a line in texts.engines.numpy, which has another name without an activation.
export function lineText(app, line) {
  const { lines } = app.texts.engines[app.engine] ?? app.texts.engines.numpy;
  if (line.kind === "alias" && lines[`${line.id}_identity`] && app.settings.activation === "identity") return lines[`${line.id}_identity`];
  return lines[line.id] ?? app.texts.engines.numpy.lines[line.id];
}

export class ProgramView {
  constructor(app) {
    this.app = app;
    this.listing = make("div", { class: "listing panel" });
    this.what = make("section", { class: "panel what", tabindex: "0", "aria-live": "polite", "aria-label": app.say("this_line") });
    [this.stepNumber, this.lossNumber, this.placeText] = [make("b"), make("b"), make("span")];
    this.standing = make("div", { class: "standing" },
      make("span", {}, `${app.say("step")} `, this.stepNumber), this.placeText, make("span", {}, `${app.say("loss")} `, this.lossNumber),
      make("button", { class: "plain", onclick: () => app.restart(), "data-do": "restart" }, app.say("restart"))); // prettier-ignore
    this.alert = make("div", { role: "status" });
    this.element = make("section", { class: "left", "aria-label": app.say("program") },
      make("div", { class: "panel stack steering" }, this.controls(), this.speed(), this.standing),
      this.alert, this.listing, this.what, this.keys()); // prettier-ignore
    this.list();
  }

  controls() {
    const { app } = this;
    const button = (name, action, key) => make("button", { onclick: action, title: `${app.say(`${name}_title`)} (${key})`, "data-do": name }, app.say(name));
    this.run = make("button", { class: "main wide", onclick: () => app.toggle(), "data-do": "run" });
    return make("div", { class: "controls" },
      button("back_step", () => app.move("step", -1), "Shift ←"),
      button("back_line", () => app.move("line", -1), "←"),
      this.run,
      button("next_line", () => app.move("line", 1), "→"),
      button("next_step", () => app.move("step", 1), "Shift →")); // prettier-ignore
  }

  speed() {
    const { app } = this;
    const output = make("output", { class: "muted", for: "speed" });
    const show = () => (output.textContent = app.say(`speed_${app.speed}`));
    const input = make("input", {
      type: "range", id: "speed", min: 0, max: SPEEDS.length - 1, step: 1, value: app.speed,
      oninput: () => { app.setSpeed(Number(input.value)); show(); },
    }); // prettier-ignore
    show();
    return make("div", { class: "speed" }, make("label", { for: "speed" }, app.say("speed")), input, output);
  }

  keys() {
    const { app } = this;
    const key = (name) => make("kbd", {}, name);
    return make("p", { class: "keys" }, key("→"), " ", key("←"), ` ${app.say("key_line")} · `, key("Shift"), " + ", key("→"), " ", key("←"), ` ${app.say("key_step")} · `, key("P"), ` ${app.say("key_run")}`);
  }

  // The lines in the chosen engine: each that runs is a button, which runs the program up to it.
  list() {
    const { app } = this;
    this.buttons = {};
    let number = 0;
    const own = app.session.isRemote || app.settings.breaks.length ? "numpy" : app.engine;
    const button = (line, at) => {
      number += 1;
      const code = own === "numpy" ? line.code : (lineText(app, line)?.code ?? line.code);
      const classes = ["line", line.changed ? "changed" : "", line.removed ? "removed" : ""].join(" ");
      const label = line.removed ? `${app.say("removed")}: ${code}` : null;
      const element = make("button", { class: classes, "aria-label": label, onclick: () => (at < 0 ? this.explainSetup(line) : app.goTo(at, line)) }, make("span", { class: "n" }, String(number)), make("span", { class: "c" }, code));
      this.buttons[line.id] = element;
      return make("li", {}, element);
    };
    const part = (name) => app.text(app.texts.parts[name]);
    const setup = make("details", { open: app.setupOpen, ontoggle: () => (app.setupOpen = setup.open) }, make("summary", {}, part("setup")), make("ol", {}, app.setup.map((line) => button(line, -1))));
    this.listing.replaceChildren(setup);
    for (const name of ["forward", "loss", "backward", "update"]) {
      const lines = app.lines.map((line, at) => [line, at]).filter(([line]) => line.part === name);
      const [before, after] = decorations(app, own, name);
      this.listing.append(make("h2", {}, part(name)), ...before, make("ol", {}, lines.map(([line, at]) => button(line, at))), ...after);
    }
  }

  draw(frame) {
    const { app } = this;
    const { run } = this;
    setText(run, app.say(frame.running ? "pause" : "run"));
    run.setAttribute("aria-pressed", String(frame.running));
    const line = app.currentLine();
    const lit = `${line?.id}/${Boolean(frame.stopped)}`;
    for (const [id, element] of lit === this.lit ? [] : Object.entries(this.buttons)) {
      element.classList.toggle("lit", line?.id === id && !frame.stopped);
      element.classList.toggle("stopped", line?.id === id && Boolean(frame.stopped));
      if (line?.id === id) element.setAttribute("aria-current", "step");
      else element.removeAttribute("aria-current");
      // once the text below the listing has its new height
      if (line?.id === id && !frame.running) requestAnimationFrame(() => revealLine(this.listing, element));
    }
    this.lit = lit;
    const place = frame.place === 0 ? app.say("not_started") : app.say("line_of", { line: frame.position, lines: app.lines.length });
    setText(this.stepNumber, String(frame.iteration));
    setText(this.placeText, place);
    setText(this.lossNumber, app.losses.length ? shortNumber(app.losses.at(-1), 6) : "—");
    this.drawAlert(frame, line);
    this.explain(line, frame.running && app.speed >= 2);
  }

  drawAlert(frame, line) {
    const { app } = this;
    const notes = [];
    if (frame.stopped) notes.push(["", app.say("stopped_at", { code: line.code }), `${frame.stopped.type}: ${frame.stopped.message}`]);
    else if (frame.diverged !== null) notes.push(["", app.divergedText(frame.diverged)]);
    if (frame.found && !frame.stopped) notes.push(["", app.foundText(frame.found)]);
    const text = JSON.stringify(notes);
    if (text === this.alertText) return;
    this.alertText = text;
    this.alert.replaceChildren(...notes.map(([kind, sentence, code]) => make("div", { class: `alert ${kind}` }, make("p", {}, sentence), code ? make("p", { class: "code" }, code) : null)));
  }

  // Say what a line before the loop does, until another line runs.
  explainSetup(line) {
    const { app } = this;
    this.ofSetup = { line, place: app.frame?.place };
    this.what.scrollTop = 0;
    this.explain(app.currentLine(), false);
  }

  explain(current, isFast) {
    const { app } = this;
    if (isFast || this.ofSetup?.place !== app.frame?.place) this.ofSetup = null;
    const line = this.ofSetup?.line ?? current;
    const key = isFast ? "running" : `${line?.id}/${line?.code}/${app.frame.stopped ? 1 : 0}`;
    if (key === this.explained) return;
    this.explained = key;
    if (!line || isFast) {
      const state = isFast ? "running" : "start";
      this.what.replaceChildren(make("h2", {}, app.say(`${state}_title`)), make("p", {}, app.say(`${state}_text`)));
      return;
    }
    const text = lineText(app, line);
    const mistake = line.changed ? app.texts.mistakes[line.changed] : null;
    const parts = [
      make("p", { class: "code" }, line.removed ? app.say("line_removed", { code: line.code }) : line.code),
      mistake ? make("p", {}, app.text(mistake.why)) : make("p", {}, text ? app.text(text.what) : (app.saidOr(`what_${line.id}`) ?? "")),
      !mistake && text && app.text(text.why) ? make("p", { class: "muted" }, make("b", {}, `${app.say("why")} `), app.text(text.why)) : null,
      line.id === "learning_rate" || line.kind === "update" ? make("button", { class: "plain", onclick: () => app.openTab("learning") }, app.say("see_rates")) : null,
      text?.equation && !mistake ? make("p", {}, equation(text.equation)) : null,
      make("p", { class: "small muted number" }, this.shapes(line)),
    ];
    this.what.replaceChildren(...parts.filter(Boolean));
  }

  shapes(line) {
    const known = this.app.shapes;
    const show = (names) => [...new Set(names)].filter((name) => known[name]).map((name) => `${name} ${shapeText(known[name])}`).join(", ");
    return `${show(line.reads)} → ${show(line.writes)}`;
  }
}

// Scroll the listing, and nothing else, so that a line can be seen.
function revealLine(listing, element) {
  const [box, own] = [listing.getBoundingClientRect(), element.getBoundingClientRect()];
  if (own.top < box.top + 30) listing.scrollTop -= box.top + 60 - own.top;
  else if (own.bottom > box.bottom - 10) listing.scrollTop += own.bottom - box.bottom + 40;
}

// What stands around the lines that run, where autograd computes the gradients.
function decorations(app, engine, part) {
  const { lines } = app.texts.engines[engine];
  const note = (id, indent = "") => {
    const text = lines[id];
    return text ? [make("p", { class: "note", title: app.text(text.what) }, indent + text.code)] : [];
  };
  if (part === "backward" && lines.backward) return [[...note("backward"), make("p", { class: "note" }, `# ${app.say("opens")}`)], []];
  if (part === "update" && lines.no_grad) return [note("no_grad"), app.weights.flatMap((name) => note(`clear_${name}`))];
  return [[], []];
}

// The page: its settings, its views, and the pictures of the run that they draw.
import { BreakView } from "./break_view.js";
import { ComparisonView } from "./comparison_view.js";
import { DataView } from "./data_view.js";
import { make, shortNumber } from "./elements.js";
import { FitView } from "./fit_view.js";
import { HeaderView } from "./header_view.js";
import { Palette } from "./heat_map.js";
import { LABELS } from "./labels.js";
import { LearningView } from "./learning_view.js";
import { MatrixView, variableNames } from "./matrix_view.js";
import { weightNames } from "./network.js";
import { PlaneView } from "./plane_view.js";
import { ProgramView, SPEEDS } from "./program_view.js";
import { knownShapes } from "./quiz.js";
import { QuizView } from "./quiz_view.js";
import { RunPlace } from "./run_place.js";
import { Session } from "./session.js";
import { TableFault } from "./own_table.js";
import { linkText, OWN_PROGRAM, presetSettings, readLink, roundedRate } from "./settings.js";
import { packTable, unpackTable } from "./table_link.js";
import { UnitView } from "./unit_view.js";

const TABS = { matrices: MatrixView, learning: LearningView, units: UnitView, plane: PlaneView, break: BreakView, quiz: QuizView, compare: ComparisonView, data: DataView, fit: FitView };
const STEPS_PER_PIECE = 10; // on the way to the step of a link
const LONGEST_SEARCH = 3; // steps in which a broken program is run until it differs

export class App {
  constructor(texts, workerSource, first = {}) {
    this.texts = texts;
    const link = readLink(location.hash);
    const { settings, place } = link;
    this.settings = settings;
    this.lang = ["en", "zh"].includes(place.lang) ? place.lang : navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
    this.theme = ["light", "dark"].includes(place.theme) ? place.theme : "auto";
    this.tab = place.tab in TABS ? place.tab : "matrices";
    this.fit = first.fit ?? null; // a saved model on rows of a table
    if (this.fit ? !place.tab : this.tab === "fit") this.tab = this.fit ? "fit" : "matrices";
    this.engine = place.engine in texts.engines ? place.engine : "numpy";
    this.speed = 2;
    this.setupOpen = false;
    this.follow = true;
    this.chosen = { variable: "x", row: 0, column: 0 };
    Object.assign(this, { own: null, table: null, tableHidden: 10, tableScaled: true, losses: [], trials: [], rateEnds: null, curvature: NaN, previous: null });
    this.session = new RunPlace(this, new Session(workerSource), first.server);
    this.workerSource = workerSource;
    this.pending = false;
    this.wanted = false;
    this.applyTheme();
    const begun = link.isOwn ? this.start(presetSettings("small")) : this.start(settings, Number(place.step) || 0, Number(place.line) || 0);
    if (first.table) begun.then(() => this.openTable(first.table));
    else if (link.isOwn) begun.then(() => this.openLink(link, place.tab in TABS ? place.tab : "matrices"));
  }

  // A second thread for what takes long, made when it is needed.
  get side() {
    this.second ??= new Session(this.workerSource);
    return this.second;
  }

  // The sentence of that name in the reader's language, with values in place of {names}.
  say(name, values = {}) {
    const text = LABELS[name][this.lang === "zh" ? 1 : 0];
    return text.replace(/\{(\w+)\}/g, (_, key) => (values[key] === undefined ? `{${key}}` : typeof values[key] === "number" ? shortNumber(values[key], 6) : values[key]));
  }

  saidOr(name) {
    return LABELS[name] ? this.say(name) : null;
  }

  text(both) {
    return both[this.lang];
  }

  get isClasses() {
    const { problem } = this.settings;
    return problem === "quadrants" || (problem === "own" && Boolean(this.own?.classes));
  }

  get planeSize() {
    if (this.settings.problem === "quadrants") return 12;
    if (this.settings.problem === "own") return 1.1 * this.own.x.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    return 3;
  }

  get weights() {
    return weightNames(this.settings);
  }

  // Begin anew with these settings, and go to a step and a line of it.
  async start(settings, step = 0, line = 0) {
    this.settings = settings;
    const { setup, lines, given } = await this.session.ask("start", { settings, own: this.own });
    Object.assign(this, { setup, lines, given, losses: [], shapes: knownShapes(settings) });
    if (settings.breaks.includes("flat_y")) this.shapes.y = [settings.rows];
    const trialKey = JSON.stringify({ ...settings, rate: 0, breaks: 0, dtype: 0, own: this.own ? this.ownSerial : 0 });
    if (trialKey !== this.trialKey) Object.assign(this, { trialKey, trials: [], rateEnds: null, curvature: NaN, trialsBegun: false });
    this.frame = null;
    this.build();
    this.travelling = step > 0 || line > 0;
    await this.refresh();
    if (this.travelling) await this.travel(step * lines.length + Math.min(line, lines.length));
    this.writeLink();
  }

  // Run on to a place in pieces, with a picture after each, until it is reached or something else is asked for.
  async travel(place) {
    const { settings } = this;
    const piece = STEPS_PER_PIECE * this.lines.length;
    for (let at = piece; this.travelling && settings === this.settings; at += piece) {
      await this.session.ask("seek", { place: Math.min(place, at) });
      await this.refresh();
      if (at >= place || this.frame?.stopped) break;
    }
    this.travelling = false;
  }

  // Change some settings: the run starts again from the same numbers, and goes on if it was running.
  async change(changed) {
    const running = this.frame?.running;
    if (this.losses.length > 1 && "rate" in changed) {
      this.previous = { losses: this.losses, name: `learning_rate = ${shortNumber(this.settings.rate, 3)}` };
    }
    const isOther = Object.keys(changed).some((name) => !["rate", "breaks", "dtype"].includes(name));
    if (isOther) this.previous = this.sides = null;
    await this.start({ ...this.settings, ...changed });
    if (running) await this.toggle();
  }

  // Train on a table of the user's own, from where a link was (`kept`), or with a rate that suits it: half of what its
  // curvature allows.
  async useTable(own, kept = null) {
    this.own = own;
    this.ownSerial = (this.ownSerial ?? 0) + 1;
    this.previous = null;
    const settings = {
      ...(kept?.settings ?? this.settings), program: OWN_PROGRAM, problem: "own", rows: own.x.shape[0], inputs: own.x.shape[1], hidden: this.tableHidden,
      outputs: own.y.shape[1], bias: true, activation: "relu", breaks: kept?.settings.breaks ?? [], dtype: "float64",
    }; // prettier-ignore
    if (kept) return this.start(settings, Number(kept.place.step) || 0, Number(kept.place.line) || 0);
    await this.session.ask("start", { settings, own });
    const { curvature } = await this.session.ask("curvature");
    await this.start({ ...settings, rate: roundedRate(1 / curvature) });
  }

  // Write the program in this form; a server runs it so, too.
  async chooseEngine(engine) {
    this.engine = engine;
    if (this.session.isRemote) await this.start(this.settings);
    else this.build();
    this.writeLink();
  }

  // Begin with the table that `twolayer watch` was given.
  async openTable({ target, ...table }) {
    Object.assign(this, { table, tableTarget: target, tableClasses: null });
    this.openTab("data");
    if (await this.view.use()) this.openTab(this.tab);
  }

  // Begin with the table that a link carries; one that carries none says so.
  async openLink(link, tab) {
    this.openTab("data");
    try {
      if (!link.table) throw new TableFault("link_without_table");
      const { file, names, rows, target, isClasses, isScaled } = await unpackTable(link.table);
      Object.assign(this, { table: { file, names, rows }, tableTarget: names.includes(target) ? target : names.at(-1), tableClasses: isClasses, tableScaled: isScaled, tableHidden: link.settings.hidden });
    } catch (fault) {
      this.view.refuse(fault);
      return;
    }
    if (await this.view.use(link)) this.openTab(tab);
  }

  // The link that carries everything, and what is to be said of it: of a table of one's own only one that is small.
  async fullLink() {
    this.writeLink();
    const { href } = location;
    const where = location.protocol === "file:" ? "link_of_file" : "link_of_server";
    if (this.settings.problem !== "own") return { href, notes: [where] };
    const { file, names, rows } = this.table;
    const letters = await packTable({ file, names, rows, target: this.tableTarget, isClasses: this.tableClasses, isScaled: this.tableScaled });
    return letters ? { href: `${href}&table=${letters}`, notes: ["link_with_table", where] } : { href, notes: ["link_too_large", where] };
  }

  build() {
    const focused = document.activeElement?.getAttribute?.("data-do") ?? document.activeElement?.id;
    document.documentElement.lang = this.lang === "zh" ? "zh-CN" : "en";
    document.title = this.say("title");
    this.palette = new Palette();
    if (this.tab === "plane" && this.settings.inputs !== 2) this.tab = "matrices";
    this.header = new HeaderView(this);
    this.program = new ProgramView(this);
    this.panel = make("div", { role: "tabpanel", id: "panel", "aria-labelledby": `tab-${this.tab}` });
    const right = make("section", { "aria-label": this.say("views") }, this.tabs(), this.panel);
    document.getElementById("page").replaceChildren(this.header.element, make("main", {}, this.program.element, right));
    this.openTab(this.tab);
    if (focused) (document.querySelector(`[data-do="${focused}"]`) ?? document.getElementById(focused))?.focus();
  }

  tabs() {
    const names = Object.keys(TABS).filter((name) => (name !== "plane" || this.settings.inputs === 2) && (name !== "fit" || this.fit));
    this.tabButtons = Object.fromEntries(names.map((name) => [
      name,
      make("button", { role: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: () => this.openTab(name) }, this.say(`tab_${name}`)),
    ])); // prettier-ignore
    const steer = (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      const next = names[(names.indexOf(this.tab) + by + names.length) % names.length];
      this.openTab(next);
      this.tabButtons[next].focus();
    };
    return make("div", { class: "tabs", role: "tablist", "aria-label": this.say("views"), onkeydown: steer }, Object.values(this.tabButtons));
  }

  openTab(name) {
    this.tab = name;
    for (const [other, button] of Object.entries(this.tabButtons)) {
      button.setAttribute("aria-selected", String(other === name));
      button.tabIndex = other === name ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `tab-${name}`);
    const bar = this.tabButtons[name].parentElement; // scrolls sideways on a phone
    bar.scrollLeft = this.tabButtons[name].offsetLeft - bar.offsetLeft - bar.clientWidth / 3;
    this.view = new TABS[name](this);
    this.panel.replaceChildren(this.view.element);
    if (name === "learning") this.beginTrials();
    this.requestFrame();
    this.writeLink();
  }

  beginTrials() {
    if (this.trialsBegun) return;
    this.trialsBegun = true;
    const { trialKey } = this;
    this.side.begin("trials", { settings: { ...this.settings, breaks: [] }, own: this.own }, (value) => {
      if (trialKey !== this.trialKey) return; // of a problem that was left
      if (value.ends) this.rateEnds = value.ends;
      else if (value.curvature !== undefined) this.curvature = value.curvature;
      else this.trials.push(value);
      this.requestFrame();
    });
  }

  requestFrame() {
    this.wanted = true;
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      if (this.pending || !this.wanted) return;
      this.refresh();
    });
  }

  // Ask for the newest state, and draw it.
  async refresh() {
    this.pending = true;
    this.wanted = false;
    const { view, settings } = this;
    const known = this.losses.length;
    const frame = await this.session.ask("frame", {
      want: view.want, variables: variableNames(this), from: Math.max(0, known - 1), reach: view.reach ?? null, isClasses: this.isClasses,
    }); // prettier-ignore
    this.pending = false;
    if (settings === this.settings && view === this.view) {
      this.take(frame);
      this.program.draw(frame);
      view.draw(frame);
      this.drawn = (this.drawn ?? 0) + 1;
      this.firstPicture ??= performance.now();
    } else this.wanted = true;
    if (frame.running || this.wanted) this.requestFrame();
    if (frame.running) this.linkDue = true;
    else if (this.linkDue) this.writeLink();
  }

  take(frame) {
    this.frame = frame;
    this.losses = [...this.losses.slice(0, frame.from), ...frame.losses];
    this.losses.length = Math.min(this.losses.length, frame.count);
    frame.losses = this.losses;
  }

  currentLine() {
    const { frame, lines } = this;
    return frame && frame.place > 0 ? lines[frame.position - 1] : null;
  }

  async move(unit, by) {
    this.travelling = false;
    await this.session.ask("move", { unit, by });
    await this.settle();
  }

  async restart() {
    this.travelling = false;
    await this.session.ask("seek", { place: 0 });
    await this.settle();
  }

  async settle() {
    this.requestFrame();
    this.writeLink(true);
  }

  async toggle() {
    if (!this.frame) return;
    this.travelling = false;
    if (this.frame.running) await this.session.ask("pause");
    else await this.session.ask("go", { speed: SPEEDS[this.speed] });
    this.requestFrame();
  }

  async setSpeed(speed) {
    this.speed = speed;
    if (this.frame?.running) await this.session.ask("go", { speed: SPEEDS[speed] });
  }

  // Run on until a line of the program has just run.
  async goTo(at) {
    if (at < 0 || !this.frame) return;
    this.travelling = false;
    const n = this.lines.length;
    const { place } = this.frame;
    const target = Math.floor(place / n) * n + at + 1;
    await this.session.ask("seek", { place: target > place ? target : target + n });
    await this.settle();
  }

  async untilFound() {
    this.travelling = false;
    await this.session.ask("seek", { place: 0 });
    for (let at = 1; at <= LONGEST_SEARCH * this.lines.length; at++) {
      await this.session.ask("move", { unit: "line", by: 1 });
      await this.refresh();
      if (this.frame.found || this.frame.stopped) break;
    }
    await this.settle();
  }

  // The sentence that says where a broken program first differs.
  foundText(found) {
    const { step, variable, line, row, column } = found;
    const name = row === undefined ? variable : this.shapes[variable]?.length === 2 ? `${variable}[${row}, ${column}]` : this.shapes[variable]?.length ? `${variable}[${column}]` : variable;
    if (line === null) return this.say("found_given", { name });
    return this.say("found", { name, step: String(step), code: line });
  }

  divergedText(step) {
    const { rate, breaks } = this.settings;
    return this.say(breaks.length ? "diverged_broken" : "diverged", { step, rate });
  }

  writeLink(soon = false) {
    clearTimeout(this.linkTimer);
    this.linkDue = false;
    if (soon) {
      this.linkTimer = setTimeout(() => this.writeLink(), 300);
      return;
    }
    const { frame } = this;
    const place = { lang: this.lang, tab: this.tab, theme: this.theme === "auto" ? null : this.theme, engine: this.engine === "numpy" ? null : this.engine, step: frame?.iteration || null, line: frame?.place ? frame.position : null };
    history.replaceState(null, "", `#${linkText(this.settings, place)}`);
  }

  setLanguage(lang) {
    this.lang = lang;
    this.build();
    this.writeLink();
  }

  setTheme(theme) {
    this.theme = theme;
    this.applyTheme();
    this.palette = new Palette();
    this.requestFrame();
    this.writeLink();
  }

  applyTheme() {
    const isDark = this.theme === "dark" || (this.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  }
}

// Arrow keys and P steer the program, where no field or table has the focus.
function listenToKeys(app) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [role=tab]")) return;
    const unit = event.shiftKey ? "step" : "line";
    if (event.key === "ArrowRight") app.move(unit, 1);
    else if (event.key === "ArrowLeft") app.move(unit, -1);
    else if (event.key === "p" || event.key === "P") app.toggle();
    else return;
    event.preventDefault();
  });
  addEventListener("resize", () => app.requestFrame());
  addEventListener("hashchange", () => location.reload());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.setTheme(app.theme));
}

export function startPage() {
  const part = (id) => document.getElementById(id).textContent;
  const app = new App(JSON.parse(part("texts")), part("worker"), JSON.parse(part("first")));
  window.app = app; // for tests, and for the curious
  listenToKeys(app);
}


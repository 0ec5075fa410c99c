// Where the program runs: in the page's own thread, or on the server, which runs the lines in NumPy or PyTorch.
import { make, option } from "./elements.js";
import { ServerRefusal, ServerSession } from "./server_session.js";
import { BREAKS } from "./settings.js";

export class RunPlace {
  // `server` is what a server tells its page: { engines }; a page in a file has none.
  constructor(app, pageSession, server = null) {
    Object.assign(this, { app, pageSession, server, isRemote: false, settled: false });
    this.status = make("p", { role: "alert", class: "small", hidden: true });
  }

  get remote() {
    const url = `ws://${location.host}${location.pathname}socket`;
    this.serverSession ??= new ServerSession(url, { onState: (state) => this.note(state), onRefusal: (text) => this.leave(text) });
    return this.serverSession;
  }

  // The answer to a request, from where the program runs.
  async ask(kind, request = {}) {
    if (!this.isRemote) return this.pageSession.ask(kind, kind === "start" ? this.byHand(request) : request);
    try {
      const sent = kind === "start" ? { ...request, settings: { ...request.settings, engine: this.app.engine } } : request;
      const answer = await this.remote.ask(kind, sent);
      if (kind === "start") this.show(null);
      return answer;
    } catch (refusal) {
      if (!(refusal instanceof ServerRefusal)) throw refusal;
      this.show(refusal.text);
      if (kind !== "start") return {};
      this.isRemote = false;
      return this.ask(kind, request);
    }
  }

  // A request without the mistakes that only PyTorch's lines can hold.
  byHand(request) {
    const breaks = request.settings.breaks.filter((name) => BREAKS.includes(name));
    return { ...request, settings: { ...request.settings, breaks } };
  }

  begin(name, request, listener) {
    const sided = (side) => ({ ...side, engine: side.engine ?? "numpy" });
    return this.remote.begin(name, { ...request, one: sided(request.one), other: sided(request.other) }, listener).catch((refusal) => {
      if (!(refusal instanceof ServerRefusal)) throw refusal;
      this.show(refusal.text);
    });
  }

  // The thread or server that runs two programs side by side.
  get comparer() {
    return this.server ? this : this.app.side;
  }

  async choose(isRemote) {
    const { app } = this;
    this.isRemote = isRemote;
    this.show(null);
    const breaks = isRemote ? app.settings.breaks : app.settings.breaks.filter((name) => BREAKS.includes(name));
    await app.change({ breaks });
    this.settled = this.isRemote;
  }

  // Run a mistake that only autograd can make, or the right program again.
  async runTrap(name, on) {
    const { app } = this;
    this.isRemote = true;
    app.engine = "autograd";
    await app.change({ breaks: on ? [name] : [] });
  }

  note(state) {
    const { app } = this;
    const key = { lost: "connection_lost", too_large: "connection_large" }[state];
    this.show(key && { [app.lang]: app.say(key) });
  }

  // The server lets no more pages in: the page goes on by itself.
  leave(text) {
    this.serverSession = null;
    this.isRemote = false;
    this.show(text);
    this.app.start(this.app.settings);
  }

  show(text) {
    this.status.hidden = !text;
    this.status.textContent = text ? this.app.text(text) : "";
  }

  // The choice in the page's header; nothing where there is no server.
  choice() {
    const { app } = this;
    if (!this.server) return null;
    const chosen = this.isRemote ? "server" : "page";
    const select = make("select", { "data-do": "run-by", onchange: () => this.choose(select.value === "server") },
      ["page", "server"].map((place) => option(place, app.say(`run_by_${place}`), chosen))); // prettier-ignore
    return make("label", { title: app.say("run_by_title") }, app.say("run_by"), select);
  }

  // A switch for a mistake that only autograd can make.
  trapChoice(name) {
    const { app } = this;
    if (!this.server) return null;
    const input = make("input", { type: "checkbox", checked: app.settings.breaks.includes(name), "data-break": name, onchange: () => this.runTrap(name, input.checked) });
    return make("label", {}, input, make("span", {}, app.say("run_trap")));
  }
}

// The page's side of the program's thread: each request is answered by a promise.

export class Session {
  constructor(source) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.worker = new Worker(url);
    this.open = new Map();
    this.listeners = {};
    this.serial = 0;
    this.rounds = {};
    this.worker.onmessage = ({ data }) => this.receive(data);
  }

  receive({ serial, answer, error, job, round, value }) {
    if (job) {
      if (this.rounds[job] === round) this.listeners[job]?.(value);
      return;
    }
    const { resolve, reject } = this.open.get(serial);
    this.open.delete(serial);
    if (error) reject(new Error(error));
    else resolve(answer);
  }

  ask(kind, request = {}) {
    const serial = ++this.serial;
    this.worker.postMessage({ ...request, kind, serial });
    return new Promise((resolve, reject) => this.open.set(serial, { resolve, reject }));
  }

  // Start a long job; `listener` hears of each of its results, until the next job of that name.
  begin(name, request, listener) {
    this.rounds[name] = ++this.serial;
    this.listeners[name] = listener;
    return this.ask("job", { ...request, name, round: this.rounds[name] });
  }
}

// The page's side of a run on the server: requests are answered by promises, as in session.js, over a websocket.
//
// A connection that is lost is made again, and goes on where it was: what was asked and not answered is asked again (the
// server answers what it has done already without doing it twice), and a run that the server no longer has is made anew.

const FIRST_WAIT = 250; // milliseconds before the connection is made again; doubled up to LONGEST_WAIT
const LONGEST_WAIT = 4000;
const TOO_LARGE = 1009; // a code of the protocol
const OPEN = 1; // the state of a socket that is neither closing nor closed

// What the server cannot do, in both languages: { en, zh }.
export class ServerRefusal extends Error {
  constructor(text) {
    super(text.en);
    this.text = text;
  }
}

const ARRAYS = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array };
const padding = (bytes) => (8 - (bytes % 8)) % 8;

// A message as bytes: the header's length, the header in JSON, and the numbers of all typed arrays (watch/frames.py).
export function encodeMessage(content) {
  const arrays = [];
  let place = 0;
  const text = JSON.stringify(content, (_, value) => {
    if (ArrayBuffer.isView(value)) {
      const name = Object.keys(ARRAYS).find((known) => value instanceof ARRAYS[known]);
      arrays.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      const entry = { $array: [name, place, value.length] };
      place += value.byteLength + padding(value.byteLength);
      return entry;
    }
    return typeof value === "number" && !Number.isFinite(value) ? { $number: String(value) } : value;
  });
  const header = new TextEncoder().encode(text);
  const start = 4 + header.length + padding(4 + header.length);
  const bytes = new Uint8Array(start + place).fill(32, 4, start);
  new DataView(bytes.buffer).setUint32(0, start - 4, true);
  bytes.set(header, 4);
  let at = start;
  for (const array of arrays) {
    bytes.set(array, at);
    at += array.length + padding(array.length);
  }
  return bytes;
}

export function decodeMessage(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  return JSON.parse(text, (_, value) => {
    if (value?.$array) {
      const [name, place, count] = value.$array;
      return new ARRAYS[name](buffer, 4 + length + place, count);
    }
    return value?.$number === undefined ? value : Number(value.$number);
  });
}

export class ServerSession {
  // `onState` hears "open", "lost" and "too_large"; `onRefusal` hears why a page was not let in.
  constructor(url, { onState = () => {}, onRefusal = () => {}, Socket = WebSocket, name = crypto.randomUUID() } = {}) {
    Object.assign(this, { url: `${url}?session=${name}`, onState, onRefusal, Socket });
    this.open = new Map(); // serial: { bytes, resolve, reject }
    this.listeners = {};
    this.rounds = {};
    this.serial = 0;
    this.wait = FIRST_WAIT;
    this.begun = null; // the request that began the run
    this.place = 0;
    this.connect();
  }

  connect() {
    const socket = new this.Socket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(decodeMessage(data));
    socket.onclose = ({ code }) => this.lost(code);
    this.socket = socket;
    this.ready = false;
  }

  close() {
    this.closed = true;
    this.socket.close();
  }

  lost(code) {
    this.ready = false;
    if (this.closed) return;
    if (code === TOO_LARGE) {
      const [serial, largest] = [...this.open].reduce((best, next) => (next[1].bytes.length > best[1].bytes.length ? next : best));
      this.open.delete(serial);
      this.onState("too_large");
      largest.reject(new Error("too large for the server"));
    } else this.onState("lost");
    setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(LONGEST_WAIT, 2 * this.wait);
  }

  receive({ hello, fresh, serial, answer, refusal, job, round, value }) {
    if (hello) this.welcome(fresh);
    else if (job) {
      if (this.rounds[job] === round) this.listeners[job]?.(plainLosses(value));
    } else if (serial === undefined) {
      this.closed = true; // not let in: nothing is gained by trying again at once
      this.onRefusal(refusal);
    } else {
      const asked = this.open.get(serial);
      this.open.delete(serial);
      if (answer?.place !== undefined) this.place = answer.place;
      if (refusal) asked?.reject(new ServerRefusal(refusal));
      else asked?.resolve(plainLosses(answer));
    }
  }

  welcome(fresh) {
    this.ready = true;
    this.wait = FIRST_WAIT;
    const waiting = [...this.open.values()];
    if (fresh && this.begun && !waiting.some(({ kind }) => kind === "start")) {
      this.socket.send(this.message("start", this.begun, ++this.serial));
      this.socket.send(this.message("seek", { place: this.place }, ++this.serial));
    }
    for (const { bytes } of waiting) this.socket.send(bytes);
    this.onState("open");
  }

  message(kind, request, serial) {
    return encodeMessage({ ...request, kind, serial });
  }

  ask(kind, request = {}) {
    const serial = ++this.serial;
    if (kind === "start") [this.begun, this.place] = [request, 0];
    const bytes = this.message(kind, request, serial);
    if (this.ready && this.socket.readyState === OPEN) this.socket.send(bytes);
    return new Promise((resolve, reject) => this.open.set(serial, { kind, bytes, resolve, reject }));
  }

  // Start a long job; `listener` hears of its newest result now and then.
  begin(name, request, listener) {
    this.rounds[name] = this.serial + 1;
    this.listeners[name] = listener;
    return this.ask("job", { ...request, name, round: this.rounds[name] });
  }
}

// Losses as plain lists, which the page adds to.
function plainLosses(answer) {
  const { losses } = answer ?? {};
  if (ArrayBuffer.isView(losses)) return { ...answer, losses: [...losses] };
  return Array.isArray(losses) ? { ...answer, losses: losses.map((part) => [...part]) } : answer;
}

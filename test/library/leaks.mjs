// What devices leave behind: "cycles" makes and closes a thousand, half of them with either driver; "day" lets two talk for 24 hours of
// a clock of its own. Prints what grew after a first part of it, as JSON.
import { readdirSync } from "node:fs";

const CYCLES = 1000;
const HOUR_MS = 3_600_000;
const limits = { maxPeers: 4, maxAllowedIps: 8 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

function collect() {
  if (globalThis.Bun !== undefined) return globalThis.Bun.gc(true);
  globalThis.gc();
}

async function footprint() {
  for (let i = 0; i < 5; i++) {
    collect();
    await turn();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { descriptors: readdirSync("/proc/self/fd").length, rss, heap: heapUsed + external };
}

function growth(before, after) {
  const megabytes = (name) => Math.round((after[name] - before[name]) / 1e5) / 10;
  return { descriptors: after.descriptors - before.descriptors, rss: megabytes("rss"), heap: megabytes("heap") };
}

/** Runs what waits for a time as soon as nothing else is to be done. */
function virtualClock() {
  const waiting = new Map();
  const began = performance.now();
  const wall = Date.now();
  let passed = 0;
  let last = 0;
  Object.defineProperty(performance, "now", { value: () => began + passed, configurable: true });
  Date.now = () => wall + passed;
  globalThis.setTimeout = (task, delay = 0, ...args) => {
    last += 1;
    waiting.set(last, { at: passed + Math.max(1, delay), task: () => task(...args) });
    return last;
  };
  globalThis.clearTimeout = (id) => void waiting.delete(id);
  return {
    get passed() {
      return passed;
    },
    step(most) {
      let [first, at] = [undefined, passed + most];
      for (const [id, timer] of waiting) if (timer.at <= at) [first, at] = [id, timer.at];
      passed = Math.max(passed, at);
      const timer = waiting.get(first);
      waiting.delete(first);
      timer?.task();
    },
  };
}

/** A network of two. */
class PairBind {
  far;
  #events;
  #from;
  constructor(number) {
    this.#from = { address: Uint8Array.of(192, 0, 2, number), port: 51820, scope: 0 };
  }
  open(_port, events) {
    this.#events = events;
    return 51820;
  }
  send(datagram) {
    this.far.#events?.receive(datagram, this.#from);
    return true;
  }
  close() {
    this.#events = undefined;
  }
}

async function cycles({ Device, generatePrivateKey, tunPair }) {
  let before;
  for (let i = 0; i < CYCLES; i++) {
    if (i === CYCLES / 5) before = await footprint();
    const [tun] = tunPair();
    const driver = i % 2 === 0 ? "auto" : "portable";
    const device = await Device.create({ privateKey: generatePrivateKey(), tun, limits, driver });
    await device.start();
    await device.close();
  }
  return growth(before, await footprint());
}

async function day({ Device, generatePrivateKey, tunPair }, clock) {
  const binds = [new PairBind(1), new PairBind(2)];
  binds[0].far = binds[1];
  binds[1].far = binds[0];
  const heard = [0, 0];
  const ends = [];
  for (const i of [0, 1]) {
    const [tun, host] = tunPair();
    const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind: binds[i], limits });
    await device.start();
    const receive = () => {
      heard[i] += 1;
    };
    host.open({ receive, failed: (cause) => console.error(cause) });
    ends.push({ device, host });
  }
  let handshakes = 0;
  ends[0].device.on("handshake", () => {
    handshakes += 1;
  });
  for (const i of [0, 1]) {
    ends[i].device.addPeer({
      publicKey: ends[1 - i].device.publicKey,
      endpoint: `192.0.2.${2 - i}:51820`,
      allowedIps: [`10.0.0.${2 - i}`],
      persistentKeepalive: 25,
    });
  }
  const packetFrom = (i) => Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, i + 1, 10, 0, 0, 2 - i);
  let before;
  let minute = 0;
  while (clock.passed < 24 * HOUR_MS) {
    clock.step(60_000);
    if (clock.passed >= minute * 60_000) {
      minute += 1;
      for (const i of [0, 1]) ends[i].host.write(packetFrom(i));
    }
    await turn();
    await turn();
    if (before === undefined && clock.passed > 3 * HOUR_MS) before = await footprint();
  }
  const result = { ...growth(before, await footprint()), handshakes, heard };
  for (const { device } of ends) await device.close();
  return result;
}

const clock = process.argv[2] === "day" ? virtualClock() : undefined;
const library = await import("wasmguard");
console.log(JSON.stringify(clock === undefined ? await cycles(library) : await day(library, clock)));
process.exit(0);

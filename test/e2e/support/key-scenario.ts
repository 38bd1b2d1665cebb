/**
 * Plays the remote peer of a daemon over loopback UDP, so that it knows both session keys, and looks for every key in
 * the daemon's memory as it goes through its states. Runs inside the daemon's namespace:
 *   key-scenario.ts PID INTERFACE [LINEAR-MEMORY]   prints one line of JSON for each state
 * The chaining key it follows from outside. With LINEAR-MEMORY, the ephemeral private key is read where wasmguard's core keeps it, and looked for too.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { IDENTITY_PRIVATE_KEY, SECRET_EPHEMERAL } from "../../../assembly/abi.ts";
import { loadCore } from "../../../host/core/load.ts";
import { publicKeyOf, ReferenceResponder, type TransportKeys } from "../../reference/noise.ts";
import { type Find, readMemory, scanMemory } from "./memory-scan.ts";

const DAEMON_PORT = 21_001;
const OWN_PORT = 21_002;
const WAIT_MS = 15_000;
const SETTLE_MS = 1_000;
/** SCRATCH_AEAD of the first thread (assembly/memory/scratch.ts). */
const WORKING_BYTES = 16_384;
const TRAFFIC = "under traffic";
const INSIDE = { daemon: "10.77.0.1", peer: "10.77.0.2" };

const [pidText = "", name = "", layout] = process.argv.slice(2);
const pid = Number(pidText);
const directory = mkdtempSync(join(tmpdir(), "wasmguard-keys-"));

function file(label: string, key: Buffer): string {
  const path = join(directory, label);
  writeFileSync(path, `${key.toString("base64")}\n`, { mode: 0o600 });
  return path;
}

function newKey(): Buffer {
  const key = randomBytes(32);
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  return key;
}

const wg = (...args: string[]): string => execFileSync("wg", args, { encoding: "utf8" });
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Datagrams as they come, newest last. */
class Remote {
  readonly socket: Socket = createSocket("udp4");
  readonly received: Buffer[] = [];

  async open(): Promise<void> {
    this.socket.on("message", (bytes) => this.received.push(bytes));
    await new Promise<void>((resolve) => this.socket.bind(OWN_PORT, "127.0.0.1", resolve));
  }

  /** The newest message of a type; the older ones are dropped. */
  async newest(type: number): Promise<Buffer> {
    for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await delay(5)) {
      const found = this.received.findLast((bytes) => bytes[0] === type);
      if (found === undefined) continue;
      this.received.length = 0;
      return found;
    }
    throw new Error(`no message of type ${type} came`);
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes, DAEMON_PORT, "127.0.0.1");
  }
}

/** Both directions of one session. */
class Session {
  readonly keys: TransportKeys;
  #counter = 0;
  opened = 0;

  constructor(keys: TransportKeys) {
    this.keys = keys;
  }

  static nonce(counter: number): Uint8Array {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(4, BigInt(counter), true);
    return nonce;
  }

  seal(packet: Uint8Array): Uint8Array {
    const message = new Uint8Array(16 + packet.length + 16);
    const view = new DataView(message.buffer);
    view.setUint32(0, 4, true);
    view.setUint32(4, this.keys.remoteIndex, true);
    view.setUint32(8, this.#counter, true);
    message.set(chacha20poly1305(this.keys.sending, Session.nonce(this.#counter++)).encrypt(packet), 16);
    return message;
  }

  open(message: Buffer): void {
    chacha20poly1305(this.keys.receiving, Session.nonce(message.readUInt32LE(8))).decrypt(message.subarray(16));
    this.opened++;
  }
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A ping from the peer to the daemon's own address, which the daemon's system answers through the tunnel. */
function ping(): Uint8Array {
  const packet = Buffer.alloc(96);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = 64;
  packet[9] = 1;
  packet.set(INSIDE.peer.split(".").map(Number), 12);
  packet.set(INSIDE.daemon.split(".").map(Number), 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  packet[20] = 8;
  packet.writeUInt16BE(checksum(packet.subarray(20)), 22);
  return packet;
}

const secrets: Record<string, Buffer> = { private: newKey(), preshared: randomBytes(32) };

/** Working memory of the cipher, inside the region for secrets: it holds a key while a batch is sealed or opened. */
let working: { from: number; to: number } | undefined;

function report(state: string): Find[] {
  const isWorking = ({ address }: Find) =>
    working !== undefined && address >= working.from && address < working.to && state === TRAFFIC;
  const all = scanMemory(pid, secrets);
  const finds = all.filter((find) => !isWorking(find));
  console.log(JSON.stringify({ state, secrets: Object.keys(secrets), finds, working: all.length - finds.length }));
  return finds;
}

/** Where the core keeps the ephemeral key of its first peer, counted from where the private key was found. */
async function ephemeralAddress(privateKeyAddress: number): Promise<number> {
  const { at } = await loadCore({}, "shared");
  const base = privateKeyAddress - IDENTITY_PRIVATE_KEY - at.identity;
  working = { from: base + at.scratches, to: base + at.scratches + WORKING_BYTES };
  return base + at.peerSecrets + SECRET_EPHEMERAL;
}

async function main(): Promise<void> {
  const ownKey = newKey();
  const peer = base64(publicKeyOf(ownKey));
  const remote = new Remote();
  await remote.open();
  const ip = (...args: string[]) => execFileSync("ip", args);
  ip("addr", "add", `${INSIDE.daemon}/24`, "dev", name);
  ip("link", "set", name, "up");
  const privateFile = file("private", secrets.private!);
  wg("set", name, "listen-port", `${DAEMON_PORT}`, "private-key", privateFile);
  const presharedFile = file("preshared", secrets.preshared!);
  wg("set", name, "peer", peer, "preshared-key", presharedFile, "allowed-ips", `${INSIDE.peer}/32`);
  wg("showconf", name);
  await delay(SETTLE_MS);
  const idle = report("configured and idle, 1 s after wg set and showconf");

  wg("set", name, "peer", peer, "endpoint", `127.0.0.1:${OWN_PORT}`, "persistent-keepalive", "1");
  let initiation = await remote.newest(1);
  const responderTo = (message: Buffer): ReferenceResponder => {
    const responder = new ReferenceResponder(ownKey, secrets.preshared!);
    responder.consumeInitiation(message);
    secrets.chaining = Buffer.from(responder.state.chainingKey);
    return responder;
  };
  let responder = responderTo(initiation);
  if (layout !== undefined) {
    const found = idle.find(({ secret, form }) => secret === "private" && form === "bytes");
    if (found === undefined) throw new Error("the private key is nowhere");
    const ephemeral = readMemory(pid, await ephemeralAddress(found.address), 32);
    if (!publicKeyOf(ephemeral).every((byte, i) => byte === initiation[8 + i]))
      throw new Error("not the ephemeral key");
    secrets.ephemeral = ephemeral;
    report("waiting for a response");
    if (remote.received.some((bytes) => bytes[0] === 1)) {
      initiation = await remote.newest(1);
      responder = responderTo(initiation);
    }
  }
  const { message, keys } = responder.createResponse({ ephemeral: newKey(), senderIndex: 77 });
  secrets["chaining, last"] = Buffer.from(responder.state.chainingKey);
  secrets["session, sending"] = Buffer.from(keys.receiving);
  secrets["session, receiving"] = Buffer.from(keys.sending);
  const session = new Session(keys);
  remote.send(message);
  remote.socket.on("message", (bytes) => {
    if (bytes[0] === 4 && bytes.readUInt32LE(4) === 77) session.open(bytes);
  });
  const stop = new AbortController();
  const traffic = (async () => {
    while (!stop.signal.aborted) {
      for (let i = 0; i < 20; i++) remote.send(session.seal(ping()));
      await delay(2);
    }
  })();
  await delay(SETTLE_MS);
  report(TRAFFIC);
  stop.abort();
  await traffic;
  if (session.opened < 20) throw new Error(`only ${session.opened} messages came back through the session`);

  wg("set", name, "peer", peer, "remove");
  await delay(SETTLE_MS);
  report("1 s after peer removal");
  wg("set", name, "private-key", "/dev/null");
  await delay(SETTLE_MS);
  report("1 s after private-key /dev/null");
}

try {
  await main();
} finally {
  rmSync(directory, { recursive: true });
}
process.exit(0);

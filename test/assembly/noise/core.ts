// The handshake sources as a module of their own, and one device on it: messages go in and come out as bytes. After each
// call the scratch memory, and the random bytes where they were for use, must be zero.
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { publicKeyOf } from "../../reference/noise.ts";
import { BUILDS, type Build, compileAssembly, SHARED } from "../../support/assembly.ts";

export { BUILDS, type Build };

const SECRET_SCRATCH_BYTES = 40960; // all but the packet area
const CLEAN = Buffer.alloc(SECRET_SCRATCH_BYTES);
const PEERS = 8;
const PAGE_BYTES = 65536;
export const NO_OWNER = 0xffffffff;

// Offsets in the area for tests. Messages lie at odd addresses, as they may in a train.
const MESSAGE = 3;
const OUT = 1025;
const PATH = 2048;
const KEY = 4096;
const AREA_BYTES = 8192;

interface Exports {
  attach(peers: number, threads: number): number;
  scratchAddress(): number;
  identityAddress(): number;
  randomAddress(): number;
  areaAddress(): number;
  agreedAddress(): number;
  agreedBytes(): number;
  answersAddress(): number;
  answersBytes(): number;
  clearQueued(): void;
  enqueueHandshake(message: number, length: number, path: number): void;
  agreeAhead(most: number): number;
  forgetAgreed(): void;
  answerAhead(one: number, other: number): number;
  forgetAnswers(): void;
  peerAddress(peer: number): number;
  secretAddress(peer: number): number;
  keypairAddress(peer: number, number: number): number;
  createPeer(peer: number, publicKey: number): number;
  removePeer(peer: number): void;
  makeCombs(one: number, other: number): void;
  combOf(peer: number): number;
  freshOf(one: number, other: number): number;
  clearKeypairs(peer: number): void;
  indexOwner(index: number): number;
  claimIndex(index: number, owner: number): number;
  setPrivateKey(key: number, slots: number): number;
  clearHandshake(peer: number): void;
  precompute(peer: number): number;
  precomputeFour(first: number, second: number, third: number, fourth: number): void;
  createInitiation(peer: number, message: number, seconds: number, nanoseconds: number, now: number): number;
  consumeInitiation(message: number, now: number): number;
  createResponse(peer: number, message: number, now: number): number;
  consumeResponse(message: number): number;
  beginSession(peer: number, now: number): number;
  checkMac1(message: number, length: number): number;
  checkMac2(message: number, length: number, path: number, now: number): number;
  createCookieReply(message: number, length: number, path: number, out: number, now: number): number;
  consumeCookieReply(message: number, now: number): number;
}

/** Where a message came from. */
export interface Source {
  address: Uint8Array;
  port: number;
  scope?: number;
}

export interface Session {
  sending: Uint8Array;
  receiving: Uint8Array;
  localIndex: number;
  remoteIndex: number;
  initiator: boolean;
}

const modules = new Map<Build, Promise<WebAssembly.Module>>();

async function compile(build: Build): Promise<WebAssembly.Module> {
  const flags = `${SHARED} --maximumMemory 65536`;
  return WebAssembly.compile(await compileAssembly(["test/assembly/noise/entry.ts"], flags, build));
}

/** A result that names its DROP_ reason: equal to what a consume function returns. */
export const dropped = (reason: number): number => -(1 + reason);

export class Core {
  readonly exports: Exports;
  private readonly memory: WebAssembly.Memory;
  private readonly area: number;

  private constructor(exports: Exports, memory: WebAssembly.Memory, threads: number) {
    this.exports = exports;
    this.memory = memory;
    const end = exports.attach(PEERS, threads);
    memory.grow(Math.ceil(end / PAGE_BYTES) - 1);
    this.area = exports.areaAddress();
  }

  /** @param threads for which there is room: peers have tables of their keys where there may be several */
  static async load(build: Build, threads = 1): Promise<Core> {
    const compiled = modules.get(build) ?? compile(build);
    modules.set(build, compiled);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4096, shared: true });
    const instance = await WebAssembly.instantiate(await compiled, { env: { memory, abort: () => {} } });
    return new Core(instance.exports as unknown as Exports, memory, threads);
  }

  /** All of linear memory as it is now. */
  get bytes(): Buffer {
    return Buffer.from(this.memory.buffer as unknown as ArrayBuffer);
  }

  slice(address: number, length: number): Uint8Array {
    return Uint8Array.from(this.bytes.subarray(address, address + length));
  }

  word(address: number): number {
    return this.bytes.readUInt32LE(address);
  }

  /** A copy of memory, to compare with later. */
  snapshot(): Buffer {
    return Buffer.from(Uint8Array.from(this.bytes));
  }

  /** How often a secret occurs in the whole memory. */
  occurrences(secret: Uint8Array): number {
    const { bytes } = this;
    let count = 0;
    for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1)) count++;
    return count;
  }

  private call<T>(body: () => T): T {
    const result = body();
    const scratch = this.exports.scratchAddress();
    const used = this.bytes.subarray(scratch, scratch + SECRET_SCRATCH_BYTES);
    if (!CLEAN.equals(used)) throw new Error(`scratch byte ${used.findIndex((byte) => byte !== 0)} was not wiped`);
    return result;
  }

  private withArea<T>(place: number, bytes: Uint8Array, body: (address: number) => T): T {
    this.bytes.set(bytes, this.area + place);
    const result = this.call(() => body(this.area + place));
    this.bytes.fill(0, this.area, this.area + AREA_BYTES);
    return result;
  }

  private putPath({ address, port, scope = 0 }: Source): number {
    const path = this.area + PATH;
    const { bytes } = this;
    bytes.writeUInt16LE(address.length === 4 ? 4 : address.length === 16 ? 6 : 0, path + abi.PATH_FAMILY);
    bytes.writeUInt16LE(port, path + abi.PATH_PORT);
    bytes.writeUInt32LE(scope, path + abi.PATH_SCOPE);
    bytes.set(address, path + abi.PATH_ADDRESS);
    return path;
  }

  /** @param length of the message made; null when none was */
  private takeOut(length: number, most: number): Uint8Array | null {
    const random = this.slice(this.exports.randomAddress(), abi.RANDOM_BYTES);
    expect(
      random.every((byte) => byte === 0),
      "random bytes wiped",
    ).toBe(true);
    const out = this.slice(this.area + OUT, most + 8);
    this.bytes.fill(0, this.area, this.area + AREA_BYTES);
    expect(
      out.subarray(length).every((byte) => byte === 0),
      "nothing beyond the message",
    ).toBe(true);
    return length === 0 ? null : out.slice(0, length);
  }

  setPrivateKey(key: Uint8Array, slots = PEERS): number {
    return this.withArea(KEY, key, (address) => this.exports.setPrivateKey(address, slots));
  }

  addPeer(peer: number, publicKey: Uint8Array, presharedKey?: Uint8Array): void {
    this.withArea(KEY, publicKey, (address) => expect(this.exports.createPeer(peer, address)).toBe(1));
    if (presharedKey) this.bytes.set(presharedKey, this.exports.secretAddress(peer) + abi.SECRET_PRESHARED_KEY);
  }

  /** Put down random bytes, as the host does before a message is made. @returns them */
  fillRandom(bytes: Uint8Array = Uint8Array.from(randomBytes(abi.RANDOM_BYTES))): Uint8Array {
    this.bytes.set(bytes, this.exports.randomAddress());
    return bytes;
  }

  createInitiation(peer: number, time: { seconds: number; nanoseconds?: number; now?: number }): Uint8Array | null {
    const out = this.area + OUT;
    const { seconds, nanoseconds = 0, now = 1000 } = time;
    const length = this.call(() => this.exports.createInitiation(peer, out, seconds, nanoseconds, now));
    return this.takeOut(length, abi.INITIATION_BYTES);
  }

  consumeInitiation(message: Uint8Array, now = 1000): number {
    return this.withArea(MESSAGE, message, (address) => this.exports.consumeInitiation(address, now));
  }

  /** These messages wait, oldest first, and nothing else. @returns how many of the first ones share their first Diffie-Hellman */
  agreeAhead(...messages: Uint8Array[]): number {
    const { exports } = this;
    exports.clearQueued();
    for (const message of messages) {
      this.withArea(MESSAGE, message, (at) => exports.enqueueHandshake(at, message.length, this.area + PATH));
    }
    return this.call(() => exports.agreeAhead(16));
  }

  /** @returns whether the results wait for createResponse */
  answerAhead(one: number, other: number): boolean {
    const computed = this.call(() => this.exports.answerAhead(one, other)) !== 0;
    const random = this.slice(this.exports.randomAddress(), abi.RANDOM_BYTES);
    expect(random.every((byte) => byte === 0)).toBe(true);
    return computed;
  }

  get nothingAnswered(): boolean {
    return this.slice(this.exports.answersAddress(), this.exports.answersBytes()).every((byte) => byte === 0);
  }

  /** Whether nothing is left of results computed ahead. */
  get nothingAgreed(): boolean {
    return this.slice(this.exports.agreedAddress(), this.exports.agreedBytes()).every((byte) => byte === 0);
  }

  createResponse(peer: number, now = 1000): Uint8Array | null {
    const length = this.call(() => this.exports.createResponse(peer, this.area + OUT, now));
    return this.takeOut(length, abi.RESPONSE_BYTES);
  }

  consumeResponse(message: Uint8Array): number {
    return this.withArea(MESSAGE, message, (address) => this.exports.consumeResponse(address));
  }

  beginSession(peer: number, now = 1000): boolean {
    return this.call(() => this.exports.beginSession(peer, now)) === 1;
  }

  clearHandshake(peer: number): void {
    this.call(() => this.exports.clearHandshake(peer));
  }

  removePeer(peer: number): void {
    this.call(() => this.exports.removePeer(peer));
  }

  makeCombs(one: number, other: number): void {
    this.call(() => this.exports.makeCombs(one, other));
  }

  precompute(peer: number): boolean {
    return this.call(() => this.exports.precompute(peer)) === 1;
  }

  precomputeFour(peers: readonly [number, number, number, number]): void {
    this.call(() => this.exports.precomputeFour(...peers));
  }

  checkMac1(message: Uint8Array): boolean {
    return this.withArea(MESSAGE, message, (address) => this.exports.checkMac1(address, message.length)) === 1;
  }

  checkMac2(message: Uint8Array, source: Source, now = 1000): boolean {
    const path = this.putPath(source);
    const { length } = message;
    return this.withArea(MESSAGE, message, (address) => this.exports.checkMac2(address, length, path, now)) === 1;
  }

  createCookieReply(message: Uint8Array, source: Source, now = 1000): Uint8Array | null {
    const at = this.area + MESSAGE;
    this.bytes.set(message, at);
    const path = this.putPath(source);
    const out = this.area + OUT;
    const length = this.call(() => this.exports.createCookieReply(at, message.length, path, out, now));
    return this.takeOut(length, abi.COOKIE_REPLY_BYTES);
  }

  consumeCookieReply(message: Uint8Array, now = 1000): number {
    return this.withArea(MESSAGE, message, (address) => this.exports.consumeCookieReply(address, now));
  }

  handshakeState(peer: number): number {
    return this.word(this.exports.peerAddress(peer) + abi.PEER_HANDSHAKE);
  }

  localIndex(peer: number): number {
    return this.word(this.exports.peerAddress(peer) + abi.PEER_LOCAL_INDEX);
  }

  /** The keypair in a role. @param role  PEER_CURRENT, PEER_NEXT or PEER_PREVIOUS */
  session(peer: number, role: number): Session | undefined {
    const number = this.word(this.exports.peerAddress(peer) + role);
    if (number === 0) return undefined;
    const keypair = this.exports.keypairAddress(peer, number);
    const at = { localIndex: 80, remoteIndex: 84, initiator: 96 }; // transport/keypair.ts
    return {
      sending: this.slice(keypair, 32),
      receiving: this.slice(keypair + 32, 32),
      localIndex: this.word(keypair + at.localIndex),
      remoteIndex: this.word(keypair + at.remoteIndex),
      initiator: this.word(keypair + at.initiator) === 1,
    };
  }
}

/** A device with its own key pair. */
export async function loadDevice(build: Build, threads = 1) {
  const core = await Core.load(build, threads);
  const privateKey = Uint8Array.from(randomBytes(32));
  core.setPrivateKey(privateKey);
  return { core, privateKey, publicKey: publicKeyOf(privateKey) };
}

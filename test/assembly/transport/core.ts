// The sources behind entry.ts, compiled for their tests, on a memory of their own.
import { compileAssembly, SHARED } from "../../support/assembly.ts";

const PAGE_BYTES = 65536;

export interface TransportCore {
  attach(peers: number, routes: number): number;
  clearWindow(): void;
  accept(counter: bigint): number;
  insertIndex(index: number, owner: number): number;
  findIndex(index: number): number;
  removeIndex(index: number): void;
  setIndexOwner(index: number, owner: number): void;
  peerAddress(peer: number): number;
  lookup(family: number, high: bigint, low: bigint): number;
  insertRoute(family: number, high: bigint, low: bigint, prefix: number, peer: number): number;
  removeRoute(family: number, high: bigint, low: bigint, prefix: number, peer: number): void;
  removeRoutes(peer: number): void;
  firstRoute(peer: number): number;
  nextRoute(route: number): number;
  routeKind(route: number): number;
  routeHigh(route: number): bigint;
  routeLow(route: number): bigint;
  beginKeypair(peer: number, initiator: number, index: number, mark: number, now: number): number;
  keypairBytes(): number;
  keypairAddress(peer: number, number: number): number;
  confirmKeypair(peer: number, number: number): number;
  noteConfirmed(peer: number, number: number): number;
  confirmNoted(peer: number): void;
  keypairInUse(peer: number): number;
  retireKeypairs(peer: number): void;
  ageKeypairs(peer: number, milliseconds: number): void;
  clearKeypairs(peer: number): void;
  canSend(peer: number, number: number, now: number): number;
  takeCounters(peer: number, number: number, count: number): bigint;
  setSendingCounter(peer: number, number: number, counter: bigint): void;
}

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const flags = `${SHARED} --maximumMemory 65536`;
  return WebAssembly.compile(await compileAssembly(["test/assembly/transport/entry.ts"], flags));
}

export interface LoadedCore {
  readonly core: TransportCore;
  readonly memory: WebAssembly.Memory;
}

export async function loadTransportCore(peers: number, routes: number): Promise<LoadedCore> {
  compiled ??= compile();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4096, shared: true });
  const instance = await WebAssembly.instantiate(await compiled, { env: { memory, abort: () => {} } });
  const core = instance.exports as unknown as TransportCore;
  memory.grow(Math.ceil(core.attach(peers, routes) / PAGE_BYTES) - 1);
  return { core, memory };
}

/**
 * What a device tells of itself while it runs: events for listeners, lines for the debug hook, and a warning where an error has
 * nobody who listens. Taken note of while the engine is at work; others hear of it in a microtask.
 */
import type { Core } from "../core/core.ts";
import type { Peer } from "../engine/peer.ts";
import type { PeerEvent } from "../engine/peer-event.ts";
import type { WasmguardError } from "../errors.ts";
import type { SendFailure } from "../event/driver-options.ts";
import { publicKeyText } from "../keys/text.ts";
import { keepAlive } from "../time/keep-alive.ts";
import {
  type DebugHook,
  type DeviceEvents,
  type EventType,
  type HandshakeFailure,
  Listeners,
} from "./device-events.ts";
import { endpointText, publicKeyOfPeer } from "./peer-statistics.ts";

const TRAFFIC_MS = 1000;
/** A datagram that could not be sent this long ago was the last initiation: they are sent every 5 s, with up to 333 ms more. */
const INITIATION_MS = 5400;

export interface ReportsOptions {
  readonly core: Core;
  readonly debug: DebugHook | undefined;
  peers(): Iterable<Peer>;
  sendFailure(): SendFailure | undefined;
}

interface Traffic {
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

export class Reports {
  readonly #options: ReportsOptions;
  readonly #listeners = new Listeners();
  /** What was told last of where a peer is. */
  readonly #endpoints = new WeakMap<Peer, string>();
  #traffic = new WeakMap<Peer, Traffic>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Codes of errors that were warned of. */
  readonly #warned = new Set<string>();
  #closed = false;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** @returns what ends it */
  on<K extends EventType>(type: K, listener: (event: DeviceEvents[K]) => void): () => void {
    const end = this.#listeners.add(type, listener);
    if (type !== "traffic" || this.#closed) return end;
    this.#watchTraffic();
    return () => {
      end();
      if (!this.#listeners.has("traffic")) this.#stopTraffic();
    };
  }

  // ── peers ──────────────────────────────────────────────────────────────────────────────────────────────────

  told(peer: Peer, event: PeerEvent | "endpoint"): void {
    switch (event) {
      case "handshake started":
        return this.#tell("handshakeStarted", () => ({
          publicKey: this.#keyOf(peer),
          attempt: peer.attempts + 1,
          endpoint: endpointText(peer),
        }));
      case "handshake failed":
        return this.#tell("handshakeFailed", () => ({ publicKey: this.#keyOf(peer), ...this.#failure(peer) }));
      case "endpoint":
        return this.#endpoint(peer);
      default:
        this.#tell(event, () => ({ publicKey: this.#keyOf(peer) }));
    }
  }

  /** The program says itself where the peer is: no news when it is told so. */
  configured(peer: Peer): void {
    this.#endpoints.delete(peer);
  }

  #endpoint(peer: Peer): void {
    const endpoint = endpointText(peer);
    if (endpoint === undefined || this.#endpoints.get(peer) === endpoint) return;
    this.#endpoints.set(peer, endpoint);
    this.#tell("endpoint", () => ({ publicKey: this.#keyOf(peer), endpoint }));
  }

  #failure(peer: Peer): { reason: HandshakeFailure; cause: unknown } {
    if (peer.endpoint() === undefined) return { reason: "no endpoint", cause: undefined };
    const failure = this.#options.sendFailure();
    if (failure === undefined || performance.now() - failure.at > INITIATION_MS) {
      return { reason: "no answer", cause: undefined };
    }
    return { reason: "cannot send", cause: failure.cause };
  }

  #keyOf(peer: Peer): Uint8Array<ArrayBuffer> {
    return publicKeyOfPeer(this.#options.core, peer);
  }

  #watchTraffic(): void {
    if (this.#timer !== undefined) return;
    this.#traffic = new WeakMap();
    for (const peer of this.#options.peers()) this.#trafficOf(peer);
    this.#timer = setInterval(() => {
      for (const peer of this.#options.peers()) {
        const traffic = this.#trafficOf(peer);
        if (traffic !== undefined) this.#tell("traffic", () => ({ publicKey: this.#keyOf(peer), ...traffic }));
      }
    }, TRAFFIC_MS);
    keepAlive(this.#timer, "unref");
  }

  /** @returns undefined when nothing has changed since it was asked for last */
  #trafficOf(peer: Peer): Traffic | undefined {
    const last = this.#traffic.get(peer);
    const traffic = { rxBytes: peer.rxBytes(), txBytes: peer.txBytes() };
    const before = last ?? { rxBytes: 0n, txBytes: 0n };
    if (traffic.rxBytes === before.rxBytes && traffic.txBytes === before.txBytes) return undefined;
    this.#traffic.set(peer, traffic);
    return traffic;
  }

  #stopTraffic(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  // ── the device ─────────────────────────────────────────────────────────────────────────────────────────────

  socket(state: "lost" | "found", cause: unknown): void {
    this.#tell("socket", () => ({ state, cause }));
  }

  /** An error that no call can throw. */
  failed(error: WasmguardError): void {
    if (!this.#listeners.has("error") && !this.#warned.has(error.code)) {
      this.#warned.add(error.code);
      warn(error);
    }
    this.#tell("error", () => error);
  }

  debug(line: () => string): void {
    const { debug } = this.#options;
    if (debug === undefined) return;
    const text = line();
    queueMicrotask(() => debug(text));
  }

  /** Nothing more happens to peers; what goes wrong while the device closes is still told. */
  close(): void {
    this.#closed = true;
    this.#stopTraffic();
  }

  #tell<K extends EventType>(type: K, make: () => DeviceEvents[K]): void {
    if (this.#listeners.has(type)) this.#listeners.tell(type, make());
    if (type !== "traffic") this.debug(() => lineOf(type, make()));
  }
}

/** For people; no keys but public ones. */
function lineOf<K extends EventType>(type: K, event: DeviceEvents[K]): string {
  if (type === "error") return `error: ${(event as WasmguardError).message}`;
  const parts = Object.entries(event).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    if (name === "publicKey") return [`peer ${publicKeyText(value as Uint8Array)}`];
    return [`${name} ${value instanceof Error ? value.message : String(value)}`];
  });
  return [type, ...parts].join(", ");
}

/** Where the runtime shows what a program should know. */
function warn({ name, code, message, nextStep }: WasmguardError): void {
  const text = `${message}. ${nextStep} (Listen for the device's event "error".)`;
  const { process } = globalThis as { process?: { emitWarning?: (text: string, options: object) => void } };
  if (process?.emitWarning !== undefined) process.emitWarning(text, { type: name, code });
  else console.warn(`${name}: ${text}`);
}

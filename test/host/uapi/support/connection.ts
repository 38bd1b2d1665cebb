/**
 * A client's end of a UapiSession without a socket: bytes go into the input area as a driver would put them there,
 * answers are gathered as they are written.
 */
import type { Zones } from "../../../../host/address/endpoint-text.ts";
import { UapiSession } from "../../../../host/uapi/uapi-session.ts";
import type { Area } from "../../../../host/uapi/writer.ts";
import { codecOf, type HexModule, loadHexModule, PAGE_BYTES } from "./hex-module.ts";
import { MemoryTarget } from "./memory-target.ts";

const INTERFACES = ["", "lo", "eth0"]; // by index; lo is 1 on every Linux
export const ZONES: Zones = {
  indexOf: (name) => (INTERFACES.indexOf(name) > 0 ? INTERFACES.indexOf(name) : undefined),
  nameOf: (index) => INTERFACES[index],
};

const STORAGE_BYTES = 4096; // 63 peers

export interface WorldOptions {
  readonly inputBytes?: number;
  readonly outputBytes?: number;
  readonly storageBytes?: number;
}

/** Linear memory with two areas, and after them the target's own storage. */
export class World {
  readonly memory: WebAssembly.Memory;
  readonly hex: HexModule;
  readonly input: Area;
  readonly output: Area;
  readonly storage: Area;
  target: MemoryTarget;
  readonly faults: unknown[] = [];

  private constructor(memory: WebAssembly.Memory, hex: HexModule, options: WorldOptions) {
    this.memory = memory;
    this.hex = hex;
    this.input = { address: 4096, length: options.inputBytes ?? PAGE_BYTES };
    this.output = { address: this.input.address + this.input.length + 64, length: options.outputBytes ?? PAGE_BYTES };
    this.storage = {
      address: this.output.address + this.output.length + 64,
      length: options.storageBytes ?? STORAGE_BYTES,
    };
    this.target = new MemoryTarget(memory, this.storage);
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const areas = (options.inputBytes ?? PAGE_BYTES) + (options.outputBytes ?? PAGE_BYTES);
    const pages = 2 + Math.ceil((areas + (options.storageBytes ?? STORAGE_BYTES)) / PAGE_BYTES);
    const { memory, hex } = await loadHexModule(pages);
    return new World(memory, hex, options);
  }

  /** Empty memory and a new device. */
  reset(): void {
    new Uint8Array(this.memory.buffer).fill(0);
    this.target = new MemoryTarget(this.memory, this.storage);
    this.faults.length = 0;
  }

  session(): UapiSession {
    const { memory, input, output, target } = this;
    const onFault = (error: unknown) => void this.faults.push(error);
    return new UapiSession({ memory, input, output, target, codec: codecOf(this.hex), zones: ZONES, onFault });
  }

  connect(): Connection {
    return new Connection(this, this.session());
  }

  /** One request or several on a connection of their own, then EOF. @returns all answers */
  ask(text: string): string {
    const connection = this.connect();
    connection.send(text);
    connection.end();
    return connection.answers;
  }

  /** @returns addresses outside the target's storage where `needle` lies */
  strayCopies(needle: Uint8Array): number[] {
    const all = Buffer.from(this.memory.buffer);
    const found: number[] = [];
    for (let at = all.indexOf(needle); at >= 0; at = all.indexOf(needle, at + 1)) {
      if (at < this.storage.address || at >= this.storage.address + this.storage.length) found.push(at);
    }
    return found;
  }

  /** @returns whether both areas hold nothing but zeros */
  areasAreWiped(): boolean {
    return [this.input, this.output].every(({ address, length }) =>
      Buffer.from(this.memory.buffer, address, length).equals(Buffer.alloc(length)),
    );
  }
}

export class Connection {
  readonly world: World;
  readonly session: UapiSession;
  answers = "";
  /** Largest piece that the client reads, and that the driver reads from the client. */
  pieceBytes = Number.POSITIVE_INFINITY;

  constructor(world: World, session: UapiSession) {
    this.world = world;
    this.session = session;
  }

  /** As much as the session takes. @returns bytes taken: all of them unless it closed */
  send(data: string | Uint8Array): number {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    let sent = 0;
    this.drain();
    while (sent < bytes.length && !this.session.closed) {
      const room = this.session.inputRoom();
      const length = Math.min(room.length, bytes.length - sent, this.pieceBytes);
      if (length === 0) throw new Error("no room although nothing waits");
      new Uint8Array(this.world.memory.buffer, room.address, length).set(bytes.subarray(sent, sent + length));
      this.session.received(length);
      sent += length;
      this.drain();
    }
    return sent;
  }

  /** Read answers until none waits. */
  drain(): void {
    while (this.readPiece());
  }

  /** @returns false if nothing waited */
  readPiece(): boolean {
    const { address, length } = this.session.output();
    if (length === 0) return false;
    const piece = Math.min(length, this.pieceBytes);
    this.answers += Buffer.from(this.world.memory.buffer, address, piece).toString("latin1");
    this.session.written(piece);
    return true;
  }

  end(): void {
    this.session.end();
    this.drain();
  }
}

/**
 * Plays one script against a stack on the virtual clock: the script is the peer and the user. What the stack sends is claimed
 * by the expectations in order; a packet that none expects, or that leaves at another time, fails the script.
 */
import { IpAddress } from "../../../host/net/address.ts";
import { Random } from "../../simulation/random.ts";
import { VirtualClock } from "../clock.ts";
import { Host } from "../host.ts";
import { Calls } from "./calls.ts";
import { DatagramCalls } from "./datagram-calls.ts";
import { DatagramWords, isDatagram } from "./datagram-words.ts";
import { evaluate, type Script, type Step } from "./parse.ts";
import { decodeSegment, encodeSegment, FLAGS, type Segment } from "./segment.ts";
import { describe, differences, FIRST_PORT, injected, readWords, type Track } from "./segment-words.ts";

export const ADDRESSES = {
  4: { own: "192.0.2.1", peer: "192.0.2.2" },
  6: { own: "2001:db8::1", peer: "2001:db8::2" },
} as const;

const LISTEN_PORT = 80;
const HEADERS = { 4: 40, 6: 60 } as const;
/** Milliseconds by which a packet may leave earlier or later than a script says. */
const TOLERANCE = 0.5;

interface Sent {
  readonly at: number;
  readonly packet: Uint8Array;
}

/** @throws naming the line and what was wrong, with what the stack sent so far */
export function runScript(script: Script, family: 4 | 6): void {
  new Run(script, family).play();
}

/** The families that a script is for. */
export function familiesOf(script: Script): (4 | 6)[] {
  const family = script.settings.get("family") ?? "both";
  return family === "both" ? [4, 6] : [family === "4" ? 4 : 6];
}

class Run {
  readonly #script: Script;
  readonly #family: 4 | 6;
  readonly #clock = new VirtualClock();
  readonly #host: Host;
  readonly #calls: Calls;
  readonly #datagrams: DatagramWords;
  readonly #datagramCalls: DatagramCalls;
  readonly #names = new Map<string, number>();
  readonly #tracks = new Map<number, Track>();
  readonly #own: Uint8Array;
  readonly #peer: Uint8Array;
  /** Sent and not claimed. */
  #sent: Sent[] = [];
  readonly #history: string[] = [];
  #tunnelUp = true;
  #time = 0;
  /** The last packet of the stack, for ICMP errors to quote. */
  #last: Uint8Array | undefined;

  constructor(script: Script, family: 4 | 6) {
    this.#script = script;
    this.#family = family;
    const addresses = ADDRESSES[family];
    this.#own = IpAddress.parse(addresses.own)!.toBytes();
    this.#peer = IpAddress.parse(addresses.peer)!.toBytes();
    const mss = this.#setting("mss", 1000);
    this.#names
      .set("MSS", mss)
      .set("MTU", mss + HEADERS[family])
      .set("IP", HEADERS[family] - 20);
    const budget = script.settings.get("budget");
    this.#host = new Host(this.#clock, new Random(this.#setting("seed", 1)), {
      addresses: [ADDRESSES[4].own, ADDRESSES[6].own],
      mtu: mss + HEADERS[family],
      ...(budget === undefined ? {} : { budgetBytes: Number(budget) }),
      send: (packet) => this.#collect(packet),
      ready: () => this.#tunnelUp,
    });
    this.#calls = new Calls({
      host: this.#host,
      remote: IpAddress.fromBytes(this.#peer),
      names: this.#names,
      firstPort: FIRST_PORT,
      listenPort: LISTEN_PORT,
      tunnel: (up) => this.#tunnel(up),
    });
    this.#datagramCalls = new DatagramCalls(this.#host.stack, IpAddress.fromBytes(this.#peer), this.#names);
    this.#datagrams = new DatagramWords({
      host: this.#host,
      own: this.#own,
      peer: this.#peer,
      names: this.#names,
      lastSent: () => this.#last,
      pingIdentifier: () => this.#datagramCalls.pingIdentifier,
      sequenceOf: (relative) => ((this.#track(undefined).ownIsn ?? 0) + relative) >>> 0,
    });
  }

  #setting(key: string, otherwise: number): number {
    const text = this.#script.settings.get(key);
    return text === undefined ? otherwise : evaluate(text, this.#names);
  }

  play(): void {
    for (const step of this.#script.steps) {
      try {
        this.#step(step);
      } catch (error) {
        const told = this.#history.slice(-12).join("\n    ");
        throw new Error(
          `${this.#script.name} (IPv${this.#family}), line ${step.line}: ${step.text}\n  ${(error as Error).message}\n    ${told}`,
          { cause: error },
        );
      }
    }
    this.#clock.runUntil(this.#time);
    const left = this.#sent[0];
    if (left !== undefined) throw new Error(`${this.#script.name} (IPv${this.#family}): ${this.#unexpected(left)}`);
  }

  #step(step: Step): void {
    if (step.kind === "expect") return this.#expect(step);
    this.#time += step.after;
    if (!step.together) this.#settle();
    if (step.kind === "quiet") return;
    if (step.kind === "inject") this.#inject(step.words);
    else if (!this.#datagramCalls.run(step.words)) this.#calls.run(step.words);
    if (step.kind === "call" && step.words[0] === "listen") this.#track(undefined);
  }

  /** Let the stack do all it has to do by now: nothing of that may be unexpected. */
  #settle(): void {
    this.#clock.runUntil(this.#time);
    const left = this.#sent[0];
    if (left !== undefined) throw new Error(this.#unexpected(left));
  }

  #unexpected({ at, packet }: Sent): string {
    return `nothing expected this, sent at ${at.toFixed(1)}: ${this.#describe(packet)}`;
  }

  #expect(step: Step): void {
    const earliest = this.#time + step.after - TOLERANCE;
    const latest = this.#time + step.atMost + TOLERANCE;
    if (this.#sent.length === 0) this.#clock.runUntil(this.#time);
    while (this.#sent.length === 0 && this.#clock.next <= latest) this.#clock.runUntil(this.#clock.next);
    const sent = this.#sent.shift();
    if (sent === undefined) throw new Error(`nothing was sent until ${latest.toFixed(1)}`);
    const description = this.#describe(sent.packet);
    if (sent.at < earliest || sent.at > latest) {
      throw new Error(`sent at ${sent.at.toFixed(1)}, not ${earliest + TOLERANCE}: ${description}`);
    }
    this.#time = Math.max(this.#time, sent.at);
    const found = isDatagram(step.words)
      ? this.#datagrams.differences(step.words, sent.packet)
      : this.#tcpDifferences(step.words, sent.packet);
    if (found.length > 0) throw new Error(`${found.join("; ")}: ${description}`);
  }

  #tcpDifferences(words: readonly string[], packet: Uint8Array): string[] {
    const protocol = this.#family === 4 ? packet[9] : packet[6];
    if (protocol !== 6) return [`protocol ${protocol}, not TCP`];
    const segment = decodeSegment(packet);
    const track = this.#track(segment.destinationPort);
    const expected = readWords(words, this.#names);
    if (expected.port !== undefined && expected.port !== segment.destinationPort) {
      return [`the peer's port is ${segment.destinationPort}`];
    }
    return differences(expected, segment, track, this.#names);
  }

  #describe(packet: Uint8Array): string {
    const protocol = packet[0]! >> 4 === 4 ? packet[9] : packet[6];
    if (protocol !== 6) return this.#datagrams.describe(packet);
    const segment = decodeSegment(packet);
    return describe(segment, this.#track(segment.destinationPort));
  }

  #track(port: number | undefined): Track {
    const peerPort = port ?? FIRST_PORT;
    let track = this.#tracks.get(peerPort);
    if (track === undefined) {
      track = {
        peerPort,
        localPort: LISTEN_PORT,
        peerIsn: this.#setting("isn", 1_000_000),
        ownIsn: undefined,
        ownIsnBefore: undefined,
        received: 0,
        peerScale: 0,
        ownScale: 0,
        ownTimestamp: 0,
        ownFirstTimestamp: 0,
        peerTimestamp: 0,
      };
      this.#tracks.set(peerPort, track);
    }
    return track;
  }

  #collect(packet: Uint8Array): void {
    this.#sent.push({ at: this.#clock.now, packet });
    this.#last = packet;
    const protocol = packet[0]! >> 4 === 4 ? packet[9] : packet[6];
    if (protocol === 6) this.#follow(decodeSegment(packet));
    this.#history.push(`${this.#clock.now.toFixed(1).padStart(9)} > ${this.#describe(packet)}`);
  }

  #follow(segment: Segment): void {
    const track = this.#track(segment.destinationPort);
    const { options, flags } = segment;
    if (flags & FLAGS.S) {
      if (track.ownIsn !== segment.sequence) {
        track.ownFirstTimestamp = options.timestamps?.[0] ?? 0;
        track.ownIsnBefore = track.ownIsn;
        track.ownIsn = segment.sequence;
      }
      track.localPort = segment.sourcePort;
      track.ownScale = options.windowScale ?? 0;
      track.received = 1;
      if (options.windowScale === undefined) track.peerScale = 0;
    }
    if (options.timestamps) track.ownTimestamp = options.timestamps[0];
    if (flags & FLAGS.R) return;
    const length = segment.payload.length + (flags & FLAGS.F ? 1 : 0);
    const end = (segment.sequence - (track.ownIsn ?? 0) + length) >>> 0;
    if (end > track.received && end < 2 ** 31) track.received = end;
  }

  #inject(words: readonly string[]): void {
    this.#history.push(`${this.#time.toFixed(1).padStart(9)} < ${words.join(" ")}`);
    if (isDatagram(words)) {
      for (const packet of this.#datagrams.injected(words)) this.#host.receive(packet);
      return;
    }
    const read = readWords(words, this.#names);
    const track = this.#track(read.port);
    const segment = injected(read, track, this.#names);
    if (segment.flags & FLAGS.S && segment.options.windowScale === undefined) {
      track.peerScale = 0;
      track.ownScale = 0;
    }
    const packet = encodeSegment(segment, this.#peer, this.#own);
    this.#host.receive(spoil(packet, read.bare, read.named));
  }

  #tunnel(up: boolean): void {
    this.#tunnelUp = up;
    if (up) this.#host.ready();
  }
}

/** What `badsum`, `doff=` and `cut=` do to a packet. */
function spoil(packet: Uint8Array, bare: ReadonlySet<string>, named: ReadonlyMap<string, string>): Uint8Array {
  const transport = packet[0]! >> 4 === 4 ? 20 : 40;
  if (bare.has("badsum")) packet[transport + 16]! ^= 0x55;
  if (named.has("doff")) {
    const before = packet[transport + 12]!;
    packet[transport + 12] = Number(named.get("doff")) << 4;
    // The sum goes along, so that the offset is all that is wrong.
    const sum =
      ((packet[transport + 16]! << 8) | packet[transport + 17]!) + (before << 8) - (packet[transport + 12]! << 8);
    const folded = sum < 0 ? sum + 0xffff : sum > 0xffff ? sum - 0xffff : sum;
    packet[transport + 16] = folded >> 8;
    packet[transport + 17] = folded & 255;
  }
  return named.has("cut") ? packet.subarray(0, packet.length - Number(named.get("cut"))) : packet;
}

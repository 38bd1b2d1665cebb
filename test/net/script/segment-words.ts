/**
 * What stands behind `<` and `>` for a TCP segment: FLAGS [SEQ[:END]] WORD…
 *
 *   FLAGS       letters of FSRPAUEC; PSH is not looked at when expected unless written
 *   SEQ[:END]   data from SEQ up to END, counted from the sender's initial sequence number; default 1
 *   ack N       default: everything so far (injected), not looked at (expected, without A none)
 *   win N       in bytes; default 60000 (injected), not looked at (expected)
 *   mss=N ws=N sackok ts=V/E sack=A:B,C:D   options; V and E may be * (any), $ (the newest of the other side) or numbers
 *   no-mss no-ws no-sackok no-ts no-sack    expected to be absent
 *   urg=N tos=N ttl=N from=NAME @PORT       other fields; @PORT is the peer's port
 *   raw=HEX badsum doff=N cut=N zero        injected only: raw options, broken checksum, wrong data offset, cut off, bytes of zero
 *   before      injected only: from here on we count from the initial sequence number that we chose before this one
 */
import { evaluate } from "./parse.ts";
import { FLAGS, pattern, patternByte, type Segment, type SegmentOptions } from "./segment.ts";

/** What a script knows of one connection. */
export interface Track {
  readonly peerPort: number;
  localPort: number;
  /** Initial sequence numbers. */
  peerIsn: number;
  ownIsn: number | undefined;
  ownIsnBefore: number | undefined;
  /** What the peer has taken, counted from our initial sequence number: its acknowledgements by default. */
  received: number;
  /** The peer's window scale, in use once both sides offered one. */
  peerScale: number;
  ownScale: number;
  /** The newest timestamp value of ours, and the first. */
  ownTimestamp: number;
  ownFirstTimestamp: number;
  peerTimestamp: number;
}

export interface Words {
  readonly flags: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly named: ReadonlyMap<string, string>;
  readonly bare: ReadonlySet<string>;
  readonly port: number | undefined;
}

export function readWords(words: readonly string[], names: ReadonlyMap<string, number>): Words {
  const named = new Map<string, string>();
  const bare = new Set<string>();
  const flags = words[0]!;
  if (!/^[FSRPAUEC]+$/.test(flags)) throw new Error(`not flags: ${flags}`);
  let from: number | undefined;
  let to: number | undefined;
  let port: number | undefined;
  for (let i = 1; i < words.length; i++) {
    const word = words[i]!;
    if (word === "ack" || word === "win") named.set(word, words[++i]!);
    else if (word.startsWith("@")) port = Number(word.slice(1));
    else if (/^[a-z-]+=/.test(word)) named.set(word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1));
    else if (/^[a-z]/.test(word)) bare.add(word);
    else {
      const [start, end] = word.split(":");
      from = evaluate(start!, names);
      to = end === undefined ? undefined : evaluate(end, names);
    }
  }
  return { flags, from, to, named, bare, port };
}

function flagBits(letters: string): number {
  return [...letters].reduce((bits, letter) => bits | FLAGS[letter as keyof typeof FLAGS], 0);
}

function timestamp(text: string, newest: number, first: number, names: ReadonlyMap<string, number>): number {
  return evaluate(text.replace("$0", `${first}`).replace("$", `${newest}`), names) >>> 0;
}

/** The segment that the peer is to send. */
export function injected(words: Words, track: Track, names: ReadonlyMap<string, number>): Segment {
  const { named, bare } = words;
  const number = (key: string) => (named.has(key) ? evaluate(named.get(key)!, names) : undefined);
  const flags = flagBits(words.flags);
  const options: SegmentOptions = {};
  const mss = number("mss");
  const scale = number("ws");
  if (mss !== undefined) options.mss = mss;
  if (scale !== undefined) options.windowScale = scale;
  if (bare.has("sackok")) options.sackPermitted = true;
  if (named.has("ts")) {
    const [value, echo] = named.get("ts")!.split("/");
    track.peerTimestamp = timestamp(value!, track.peerTimestamp, 0, names);
    options.timestamps = [track.peerTimestamp, timestamp(echo!, track.ownTimestamp, track.ownFirstTimestamp, names)];
  }
  if (bare.has("before")) [track.ownIsn, track.ownIsnBefore] = [track.ownIsnBefore, track.ownIsn];
  const base = track.ownIsn ?? 0;
  if (named.has("sack")) {
    options.sack = named
      .get("sack")!
      .split(",")
      .map((block) => block.split(":").map((edge) => (base + evaluate(edge, names)) >>> 0) as [number, number]);
  }
  if (named.has("raw")) options.raw = Uint8Array.from(Buffer.from(named.get("raw")!, "hex"));
  const from = words.from ?? (flags & FLAGS.S ? 0 : 1);
  const acknowledged = number("ack") ?? track.received;
  const window = number("win") ?? 60_000;
  if (flags & FLAGS.S && scale !== undefined) track.peerScale = scale;
  const payload = words.to === undefined ? new Uint8Array(0) : pattern(from, words.to);
  return {
    sourcePort: track.peerPort,
    destinationPort: track.localPort,
    sequence: (track.peerIsn + from) >>> 0,
    acknowledgement: flags & FLAGS.A ? (base + acknowledged) >>> 0 : 0,
    flags,
    window: flags & FLAGS.S ? Math.min(window, 65_535) : window >> track.peerScale,
    urgent: number("urg") ?? 0,
    options,
    payload: bare.has("zero") ? payload.fill(0) : payload,
    trafficClass: number("tos") ?? 0,
    hopLimit: number("ttl") ?? 64,
  };
}

export function describe(segment: Segment, track: Track): string {
  const letters = Object.entries(FLAGS)
    .filter(([, bit]) => segment.flags & bit)
    .map(([letter]) => letter)
    .join("");
  const base = track.ownIsn ?? 0;
  const from = (segment.sequence - base) >>> 0;
  const { options } = segment;
  const sack = options.sack?.map((block) => block.map((edge) => (edge - track.peerIsn) >>> 0).join(":")).join(",");
  return [
    letters,
    segment.payload.length > 0 ? `${from}:${from + segment.payload.length}` : `${from}`,
    segment.flags & FLAGS.A ? `ack ${(segment.acknowledgement - track.peerIsn) >>> 0}` : "",
    `win ${segment.window << (segment.flags & FLAGS.S ? 0 : track.ownScale)}`,
    options.mss === undefined ? "" : `mss=${options.mss}`,
    options.windowScale === undefined ? "" : `ws=${options.windowScale}`,
    options.sackPermitted ? "sackok" : "",
    options.timestamps === undefined ? "" : `ts=${options.timestamps.join("/")}`,
    sack === undefined ? "" : `sack=${sack}`,
    track.peerPort === FIRST_PORT ? "" : `@${track.peerPort}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}

export const FIRST_PORT = 50_000;

/** @returns what differs from what a script expects; empty if nothing */
export function differences(
  words: Words,
  segment: Segment,
  track: Track,
  names: ReadonlyMap<string, number>,
): string[] {
  const found: string[] = [];
  const { named, bare, flags } = words;
  const check = (what: string, actual: number | undefined, wanted: number | undefined) => {
    if (wanted !== undefined && actual !== wanted) found.push(`${what} is ${actual}, not ${wanted}`);
  };
  const number = (key: string) => (named.has(key) ? evaluate(named.get(key)!, names) : undefined);
  const mask = flags.includes("P") ? 0xff : 0xff & ~FLAGS.P;
  if ((segment.flags & mask) !== flagBits(flags)) found.push(`the flags are not ${flags}`);
  const from = (segment.sequence - (track.ownIsn ?? 0)) >>> 0;
  const end = from + segment.payload.length;
  if (words.from !== undefined) check("sequence number", from, words.from);
  if (words.from !== undefined || !flags.includes("R")) check("end of data", end, words.to ?? words.from ?? end);
  if (flags.includes("A")) check("acknowledgement", (segment.acknowledgement - track.peerIsn) >>> 0, number("ack"));
  check("window", segment.window << (flags.includes("S") ? 0 : track.ownScale), number("win"));
  const { options } = segment;
  check("MSS", options.mss, number("mss"));
  check("window scale", options.windowScale, number("ws"));
  check("traffic class", segment.trafficClass, number("tos"));
  check("hop limit", segment.hopLimit, number("ttl"));
  check("urgent pointer", segment.urgent, number("urg"));
  if (bare.has("sackok") && !options.sackPermitted) found.push("SACK-permitted is missing");
  const present = { mss: options.mss, ws: options.windowScale, sackok: options.sackPermitted, ts: options.timestamps };
  for (const [name, value] of Object.entries({ ...present, sack: options.sack })) {
    if (bare.has(`no-${name}`) && value !== undefined) found.push(`${name} is there`);
  }
  if (bare.has("ts") && options.timestamps === undefined) found.push("timestamps are missing");
  if (named.has("ts")) {
    const [value, echo] = named.get("ts")!.split("/");
    const own = [track.ownTimestamp, track.ownFirstTimestamp] as const;
    if (value !== "*") check("timestamp value", options.timestamps?.[0], timestamp(value!, own[0], own[1], names));
    if (echo !== "*") check("timestamp echo", options.timestamps?.[1], timestamp(echo!, track.peerTimestamp, 0, names));
  }
  if (named.has("sack")) {
    const actual = options.sack?.map((block) => block.map((edge) => (edge - track.peerIsn) >>> 0).join(":")).join(",");
    const wanted = named
      .get("sack")!
      .split(",")
      .map((block) =>
        block
          .split(":")
          .map((edge) => evaluate(edge, names))
          .join(":"),
      )
      .join(",");
    if (actual !== wanted) found.push(`SACK is ${actual ?? "missing"}, not ${wanted}`);
  }
  const wrong = segment.payload.findIndex((byte, i) => byte !== patternByte(from + i));
  if (wrong >= 0 && !(segment.flags & FLAGS.S)) found.push(`the byte at ${from + wrong} is wrong`);
  return found;
}

/**
 * `show` for people: the layout, words, order and colours of `wg show`.
 */
import { publicKeyText } from "../../keys/text.ts";
import type { Output } from "./output.ts";
import type { ShownDevice, ShownPeer } from "./shown-device.ts";

export interface HumanStyle {
  colours: boolean;
  /** Print secret keys instead of "(hidden)". */
  showKeys: boolean;
  /** Seconds since the epoch. */
  now: bigint;
}

const RESET = "\x1b[0m";
const BOLD = "\x1b[1m";
const RED = "\x1b[31m";
const GREEN = "\x1b[32m";
const YELLOW = "\x1b[33m";
const CYAN = "\x1b[36m";

const UNITS: readonly [string, bigint][] = [
  ["year", 31_536_000n],
  ["day", 86_400n],
  ["hour", 3600n],
  ["minute", 60n],
  ["second", 1n],
];
const SIZES: readonly [string, bigint][] = [
  ["TiB", 1n << 40n],
  ["GiB", 1n << 30n],
  ["MiB", 1n << 20n],
  ["KiB", 1n << 10n],
];

/** 63 → "1 minute, 3 seconds". */
function duration(seconds: bigint): string {
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = seconds / length;
    seconds %= length;
    if (count > 0n) parts.push(`${count} ${CYAN}${unit}${count === 1n ? "" : "s"}${RESET}`);
  }
  return parts.join(", ");
}

function ago(seconds: bigint, now: bigint): string {
  if (now === seconds) return "Now";
  if (now < seconds) return `(${RED}System clock wound backward; connection problems may ensue.${RESET})`;
  return `${duration(now - seconds)} ago`;
}

/** 1289 → "1.26 KiB". Halves are rounded to even, as C's printf does and toFixed does not. */
export function amount(bytes: bigint): string {
  // C computes with doubles: above 2^53 the count is rounded first.
  const rounded = BigInt(Number(bytes));
  const size = SIZES.find(([, length]) => bytes >= length);
  if (size === undefined) return `${bytes} ${CYAN}B${RESET}`;
  const [unit, length] = size;
  const scaled = rounded * 100n;
  const [quotient, rest] = [scaled / length, (scaled % length) * 2n];
  const up = rest > length || (rest === length && quotient % 2n === 1n);
  const hundredths = quotient + (up ? 1n : 0n);
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, "0")} ${CYAN}${unit}${RESET}`;
}

/** Latest handshake first; peers without one last; equals keep the device's order. */
function byHandshake(a: ShownPeer, b: ShownPeer): number {
  const seconds = b.handshakeSeconds - a.handshakeSeconds;
  const difference = seconds === 0n ? b.handshakeNanoseconds - a.handshakeNanoseconds : seconds;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

class Page {
  private readonly output: Output;
  private readonly style: HumanStyle;

  constructor(output: Output, style: HumanStyle) {
    this.output = output;
    this.style = style;
  }

  text(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    this.output.text(this.style.colours ? text : text.replace(/\x1b\[\d+m/g, ""));
  }

  row(label: string, value: string): void {
    this.text(`  ${BOLD}${label}${RESET}: ${value}\n`);
  }

  secretRow(label: string, key: Uint8Array): void {
    this.text(`  ${BOLD}${label}${RESET}: `);
    if (this.style.showKeys) this.output.key(key);
    else this.output.text("(hidden)");
    this.output.text("\n");
  }

  heading(colour: string, label: string, value: string): void {
    this.text(`${colour}${BOLD}${label}${RESET}: ${colour}${value}${RESET}\n`);
  }

  device(device: ShownDevice): void {
    this.text(RESET);
    this.heading(GREEN, "interface", device.name);
    if (device.publicKey) this.row("public key", publicKeyText(device.publicKey));
    if (device.privateKey) this.secretRow("private key", device.privateKey);
    if (device.listenPort) this.row("listening port", String(device.listenPort));
    if (device.firewallMark) this.row("fwmark", `0x${device.firewallMark.toString(16)}`);
    for (const peer of [...device.peers].sort(byHandshake)) {
      this.text("\n");
      this.peer(peer);
    }
  }

  private peer(peer: ShownPeer): void {
    this.heading(YELLOW, "peer", publicKeyText(peer.publicKey));
    if (peer.presharedKey) this.secretRow("preshared key", peer.presharedKey);
    if (peer.endpoint) this.row("endpoint", peer.endpoint);
    const prefixes = peer.allowedIps.map((prefix) => prefix.replace("/", `${CYAN}/${RESET}`));
    this.row("allowed ips", prefixes.join(", ") || "(none)");
    if (peer.handshakeSeconds) this.row("latest handshake", ago(peer.handshakeSeconds, this.style.now));
    if (peer.rxBytes || peer.txBytes) {
      this.row("transfer", `${amount(peer.rxBytes)} received, ${amount(peer.txBytes)} sent`);
    }
    if (peer.persistentKeepalive) {
      this.row("persistent keepalive", `every ${duration(BigInt(peer.persistentKeepalive))}`);
    }
  }
}

export function writeHuman(output: Output, device: ShownDevice, style: HumanStyle): void {
  new Page(output, style).device(device);
}

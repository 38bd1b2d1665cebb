/**
 * The tunnel's state in the terminal, once a second: peers, age of their handshakes, rates, connections. On a terminal the lines are
 * drawn over the last ones; elsewhere a line for each peer is printed every ten seconds, for logs and pipes.
 */
import type { WriteStream } from "node:tty";
import type { TunnelStatus } from "../web/status.ts";
import { ageText, bytesText, rateText } from "./amounts.ts";

const TERMINAL_MS = 1_000;
const LINES_MS = 10_000;
const KEY_CHARS = 12;
const CLEAR_LINE = "\x1b[K";
const up = (lines: number): string => (lines === 0 ? "" : `\x1b[${lines}A`);

interface Rates {
  received: number;
  sent: number;
}

export class LiveStatus {
  readonly #status: () => TunnelStatus;
  readonly #out: Pick<WriteStream, "write" | "isTTY" | "columns">;
  readonly #before = new Map<string, Rates>();
  readonly #timer: NodeJS.Timeout;
  #at: number;
  #drawn = 0;

  constructor(status: () => TunnelStatus, out: Pick<WriteStream, "write" | "isTTY" | "columns">) {
    this.#status = status;
    this.#out = out;
    this.#at = performance.now();
    this.#remember();
    this.#timer = setInterval(() => this.show(), out.isTTY ? TERMINAL_MS : LINES_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  show(): void {
    const status = this.#status();
    const now = performance.now();
    const lines = this.#lines(status, Math.max(0.001, (now - this.#at) / 1000));
    this.#at = now;
    this.#remember(status);
    if (!this.#out.isTTY) return void this.#out.write(lines.map((line) => `${line}\n`).join(""));
    const width = this.#out.columns || 80;
    const cut = lines.map((line) => `${line.slice(0, width - 1)}${CLEAR_LINE}\n`);
    // Fewer peers than before: their old lines go.
    const empty = Array<string>(Math.max(0, this.#drawn - cut.length)).fill(`${CLEAR_LINE}\n`);
    this.#out.write(up(this.#drawn) + [...cut, ...empty].join("") + up(empty.length));
    this.#drawn = cut.length;
  }

  #remember(status = this.#status()): void {
    this.#before.clear();
    for (const { publicKey, received, sent } of status.peers) this.#before.set(publicKey, { received, sent });
  }

  #lines(status: TunnelStatus, seconds: number): string[] {
    const peers = status.peers.map((peer) => {
      const before = this.#before.get(peer.publicKey) ?? peer;
      const rateIn = rateText(Math.max(0, peer.received - before.received) / seconds);
      const rateOut = rateText(Math.max(0, peer.sent - before.sent) / seconds);
      const endpoint = peer.endpoint ?? "no endpoint";
      const key = peer.publicKey.slice(0, KEY_CHARS);
      const total = `${bytesText(peer.received)} / ${bytesText(peer.sent)}`;
      return `${key}…  ${endpoint}  handshake ${ageText(peer.handshakeAgeSeconds)}  in ${rateIn}  out ${rateOut}  (${total})`;
    });
    const { connections } = status;
    const dropped = Object.values(status.drops).reduce((sum, count) => sum + count, 0);
    const open = connections === null ? "" : `${connections.open} connections open, ${connections.accepted} so far, `;
    return [...peers, `${status.name}: ${open}${dropped} packets dropped`];
  }
}

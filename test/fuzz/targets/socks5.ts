/** Clients of the SOCKS5 proxy: a request with a target that can be one, or a refusal; few bytes are answered, none is read ahead. */
import { Duplex } from "node:stream";
import fc from "fast-check";
import { expect } from "vitest";
import { Login } from "../../../host/proxy/login.ts";
import { StreamEndedError } from "../../../host/proxy/read-exactly.ts";
import { formatAddress, parseAddress } from "../../../host/proxy/socks5/address.ts";
import { NegotiationError, negotiate } from "../../../host/proxy/socks5/negotiation.ts";
import { concat } from "../../reference/packets.ts";
import { hostile } from "../mutate.ts";
import type { Target } from "../target.ts";

const text = (string: string) => new TextEncoder().encode(string);
const LOGIN = concat(Uint8Array.of(5, 2, 0, 2, 1, 4), text("user"), Uint8Array.of(6), text("secret"));
const ADDRESSES = [
  Uint8Array.of(1, 192, 0, 2, 1, 0, 80),
  Uint8Array.of(4, 0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1, 1, 187),
  concat(Uint8Array.of(3, 11), text("example.org"), Uint8Array.of(1, 187)),
];
const TAIL = text("the first bytes of the connection");
const VALID = [Uint8Array.of(5, 1, 0), LOGIN].flatMap((hello) =>
  ADDRESSES.flatMap((address) => [1, 3].map((command) => concat(hello, Uint8Array.of(5, command, 0), address, TAIL))),
);
/** Method, login, and no more: the reply to the request comes later. */
const ANSWER_BYTES_MAX = 4;

/** A stream that gives `pieces`, then ends, and keeps what is written to it. */
function client(pieces: readonly Uint8Array[]): { stream: Duplex; answered: () => number } {
  let answered = 0;
  const left = [...pieces];
  const stream = new Duplex({
    read() {
      this.push(left.shift() ?? null);
    },
    write(chunk: Uint8Array, _, done) {
      answered += chunk.length;
      done();
    },
  });
  return { stream, answered: () => answered };
}

function expectTarget(host: string, port: number): void {
  expect(host).toMatch(/^[\w.:-]{1,255}$/);
  expect(port >= 0 && port <= 0xffff).toBe(true);
}

export const socks5: Target = {
  name: "socks5",
  about: "what clients say to the SOCKS5 proxy, in streams and datagrams",
  async open() {
    const cuts = fc.array(fc.nat(80), { maxLength: 6 });
    return fc.asyncProperty(hostile(VALID), cuts, fc.boolean(), async (bytes, places, withLogin) => {
      const edges = [0, ...places.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
      const { stream, answered } = client(pieces.filter(({ length }) => length > 0));
      try {
        const { target } = await negotiate(stream, withLogin ? new Login("user", "secret") : undefined, () => "x");
        expectTarget(target.host, target.port);
      } catch (error) {
        if (!(error instanceof NegotiationError)) expect(error).toBeInstanceOf(StreamEndedError);
      }
      expect(answered()).toBeLessThanOrEqual(ANSWER_BYTES_MAX);
      stream.destroy();
      const parsed = parseAddress(bytes, 3);
      if (parsed === undefined) return;
      expectTarget(parsed.target.host, parsed.target.port);
      expect(parsed.end).toBeLessThanOrEqual(bytes.length);
      expect(parseAddress(formatAddress(parsed.target), 0)?.target).toEqual(parsed.target);
    });
  },
};

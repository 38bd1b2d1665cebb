/**
 * A connection under way, with changed copies of its own segments between the genuine ones, checksums made right: whatever becomes of
 * it, nothing throws, and neither side holds bytes or timers once closed.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { TcpStream } from "../../../host/net/tcp/face.ts";
import { Pair } from "../../net/pair.ts";
import { pattern } from "../../support/arbitrary-packets.ts";
import { sealed } from "../sealed.ts";
import type { Target } from "../target.ts";

const BYTES = 20_000;
const RUN_MS = 600_000;
const TCP_AT = 20; // behind an IPv4 header without options
const HEADER_BYTES = 60;

/** A copy of the segment that passes as number `after`, with bytes of its TCP header set. */
const injection = fc.record({
  after: fc.nat(25),
  towards: fc.constantFrom("far" as const, "near" as const),
  changes: fc.array(fc.tuple(fc.nat(HEADER_BYTES - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0xff))), {
    minLength: 1,
    maxLength: 4,
  }),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) }),
});

export const tcp: Target = {
  name: "tcp",
  about: "segments of a TCP connection under way",
  async open() {
    return fc.property(fc.array(injection, { minLength: 1, maxLength: 8 }), fc.nat(1e6), (injections, seed) => {
      const pair = new Pair({ seed });
      for (const towards of ["far", "near"] as const) {
        const host = pair[towards];
        const receive = host.receive.bind(host);
        let passed = 0;
        host.receive = (packet) => {
          const number = passed++;
          const copy = Uint8Array.from(packet);
          receive(packet);
          for (const { changes, cut } of injections.filter((i) => i.towards === towards && i.after === number)) {
            const changed = copy.slice(0, Math.max(TCP_AT, copy.length - cut));
            for (const [at, value] of changes) if (TCP_AT + at < changed.length) changed[TCP_AT + at] = value;
            receive(sealed(changed));
          }
        };
      }
      const ends: TcpStream[] = [pair.connect()];
      const drain = () => {
        for (const stream of ends) while (stream.read() !== undefined);
      };
      const server = pair.listen({
        acceptable: () => {
          const accepted = server.accept();
          if (accepted === undefined) return;
          ends.push(accepted);
          accepted.handler = { readable: drain };
          accepted.write(pattern(BYTES, seed), "given");
        },
      });
      ends[0]!.handler = { readable: drain };
      ends[0]!.write(pattern(BYTES, seed), "given");
      ends[0]!.shutdown();
      pair.clock.runUntil(RUN_MS);
      for (const host of [pair.near, pair.far]) {
        host.stack.close();
        expect(host.stack.budget.taken).toBe(0);
        expect(host.stack.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
      }
    });
  },
};

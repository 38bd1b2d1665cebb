/** Whatever a client sends, however it is cut: the session answers or closes, never throws, and keeps nothing. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { World } from "./support/connection.ts";
import { OWN_PUBLIC, PEER_A, PEER_B, PRESHARED, PRIVATE, ZERO } from "./support/keys.ts";

let world: World;
beforeAll(async () => {
  world = await World.create({ inputBytes: 1024, outputBytes: 1024 });
});

const line = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(PEER_A, PEER_B, OWN_PUBLIC, ZERO).map((key) => `public_key=${key}`) },
  { weight: 2, arbitrary: fc.constantFrom(PRIVATE, ZERO, PEER_A).map((key) => `private_key=${key}`) },
  { weight: 2, arbitrary: fc.constantFrom(PRESHARED, ZERO).map((key) => `preshared_key=${key}`) },
  { weight: 6, arbitrary: fc.tuple(fc.ipV4(), fc.nat(33)).map(([ip, bits]) => `allowed_ip=${ip}/${bits}`) },
  { weight: 3, arbitrary: fc.tuple(fc.ipV6(), fc.nat(128)).map(([ip, bits]) => `allowed_ip=-${ip}/${bits}`) },
  { weight: 2, arbitrary: fc.tuple(fc.ipV6(), fc.nat(65536)).map(([ip, port]) => `endpoint=[${ip}]:${port}`) },
  fc.nat(65537).map((port) => `listen_port=${port}`),
  fc.nat(65537).map((seconds) => `persistent_keepalive_interval=${seconds}`),
  fc.constantFrom(
    "remove=true",
    "update_only=true",
    "replace_allowed_ips=true",
    "protocol_version=1",
    "replace_peers=true",
  ),
  fc.constantFrom("fwmark=1", "x", "=", "endpoint=[fe80::1%eth0]:5", "allowed_ip=-"),
);
const request = fc.oneof(
  fc.array(line, { maxLength: 12 }).map((lines) => `set=1\n${lines.map((text) => `${text}\n`).join("")}\n`),
  fc.constantFrom("get=1\n\n", "get=1\nx", "set=1\n\n"),
);
const transcript = fc.array(request, { maxLength: 4 }).map((requests) => Buffer.from(requests.join(""), "latin1"));

/** A transcript with bytes changed, removed and inserted. */
const mutated = fc
  .tuple(
    transcript,
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "cut", "insert", "drop")), { maxLength: 4 }),
  )
  .map(([bytes, changes]) => {
    let result = bytes;
    for (const [where, byte, change] of changes) {
      const at = where % (result.length + 1);
      const [head, tail] = [result.subarray(0, at), result.subarray(at)];
      if (change === "set") result = Buffer.concat([head, Buffer.of(byte), tail.subarray(1)]);
      if (change === "insert") result = Buffer.concat([head, Buffer.of(byte), tail]);
      if (change === "drop") result = Buffer.concat([head, tail.subarray(1)]);
      if (change === "cut") result = head;
    }
    return result;
  });

interface Outcome {
  readonly answers: string;
  readonly closedBeforeEnd: boolean;
  readonly events: readonly string[];
}

/** Deliver `bytes` cut at `cuts`, then EOF, to a new device. */
function deliver(bytes: Uint8Array, cuts: readonly number[]): Outcome {
  world.reset();
  const connection = world.connect();
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const place of places) {
    connection.send(bytes.subarray(from, place));
    from = place;
  }
  const closedBeforeEnd = connection.session.closed;
  connection.end();
  expect(connection.session.closed).toBe(true);
  return { answers: connection.answers, closedBeforeEnd, events: world.target.events };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe("a session under fire", () => {
  it("gives the same answers however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.oneof(transcript, mutated), cuts, (bytes, places) => {
        const whole = deliver(bytes, []);
        expect(deliver(bytes, places)).toEqual(whole);
        expect(
          deliver(
            bytes,
            Array.from({ length: bytes.length }, (_, i) => i),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it("answers or closes, and wipes both areas", () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 3000 }).map(Buffer.from)), cuts, (bytes, places) => {
        const { answers } = deliver(bytes, places);
        expect(answers).toMatch(/^([a-z_]+=.*\n)*$|errno=-?\d+\n\n$/);
        expect(answers === "" || answers.endsWith("\n\n")).toBe(true);
        expect(world.faults).toEqual([]);
        expect(world.areasAreWiped()).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it("keeps no key after it is destroyed at any moment", () => {
    const keys = [PRIVATE, PRESHARED].map((key) => Buffer.from(key, "hex"));
    fc.assert(
      fc.property(mutated, cuts, fc.nat(), (bytes, places, stop) => {
        world.reset();
        const connection = world.connect();
        connection.send(bytes.subarray(0, stop % (bytes.length + 1)));
        for (const _ of places) connection.readPiece();
        connection.session.destroy();
        expect(world.areasAreWiped()).toBe(true);
        for (const key of keys) {
          expect(world.strayCopies(key)).toEqual([]);
          expect(world.strayCopies(Buffer.from(key.toString("hex")))).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("answers a valid transcript with one errno for each request up to the first error", () => {
    fc.assert(
      fc.property(transcript, (bytes) => {
        const { answers } = deliver(bytes, []);
        const codes = [...answers.matchAll(/^errno=(-?\d+)$/gm)].map(([, code]) => Number(code));
        const firstError = codes.findIndex((code) => code < 0);
        if (firstError >= 0) expect(firstError).toBe(codes.length - 1);
        for (const code of codes) expect([0, 22, -22, -71, -98]).toContain(code);
      }),
    );
  });
});

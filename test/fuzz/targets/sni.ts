/** First bytes of TLS connections: a name that a host can have, and once told it stays the same whatever comes behind. */
import fc from "fast-check";
import { expect } from "vitest";
import { HELLO_BYTES_MAX, type Hello, HelloReader } from "../../../host/proxy/sni/client-hello.ts";
import { concat } from "../../reference/packets.ts";
import { hostile } from "../mutate.ts";
import type { Target } from "../target.ts";

const readHello = (stream: Uint8Array): Hello => new HelloReader().add(stream);

/** Bytes with their count in front, in `width` bytes. */
function vector(width: 1 | 2 | 3, ...parts: Uint8Array[]): Uint8Array {
  const body = concat(...parts);
  const length = Array.from({ length: width }, (_, i) => (body.length >>> (8 * (width - 1 - i))) & 255);
  return concat(Uint8Array.from(length), body);
}

/** RFC 8446 §4.1.2 with RFC 6066 §3. */
function helloTo(host: string): Uint8Array {
  const serverName = vector(2, Uint8Array.of(0), vector(2, new TextEncoder().encode(host)));
  const extensions = concat(Uint8Array.of(0, 23), vector(2), Uint8Array.of(0, 0), vector(2, serverName));
  const body = concat(
    Uint8Array.of(3, 3),
    new Uint8Array(32).fill(9),
    vector(1, new Uint8Array(32).fill(8)),
    vector(2, Uint8Array.of(0x13, 1, 0x13, 2)),
    vector(1, Uint8Array.of(0)),
    vector(2, extensions),
  );
  return concat(Uint8Array.of(1), vector(3, body));
}

function inRecords(message: Uint8Array, size: number): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += size) {
    records.push(Uint8Array.of(22, 3, 1), vector(2, message.subarray(at, at + size)));
  }
  return concat(...records);
}

const HELLO = helloTo("web.example");
const VALID = [HELLO.length, 50, 7].map((size) => inRecords(HELLO, size));
for (const bytes of VALID) expect(readHello(bytes)).toEqual({ kind: "name", name: "web.example" });

export const sni: Target = {
  name: "sni",
  about: "first bytes of TLS connections",
  async open() {
    return fc.property(hostile(VALID), fc.nat(), (bytes, cut) => {
      const whole = readHello(bytes);
      const part = readHello(bytes.subarray(0, cut % (bytes.length + 1)));
      const reader = new HelloReader();
      const begun = reader.add(bytes.subarray(0, cut % (bytes.length + 1)));
      if (begun.kind === "more") expect(reader.add(bytes.subarray(cut % (bytes.length + 1)))).toEqual(whole);
      // More bytes can only tell more.
      if (part.kind === "name") expect(whole).toEqual(part);
      if (whole.kind === "name") expect(whole.name).toMatch(/^[a-z0-9_.-]{1,253}$/);
      if (whole.kind !== "more") return;
      const full = concat(bytes, new Uint8Array(HELLO_BYTES_MAX));
      expect(readHello(full.subarray(0, HELLO_BYTES_MAX)).kind).not.toBe("more");
    });
  },
};

import { isIP, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ascii } from "../../../host/address/ascii.ts";
import { formatEndpoint, NUMERIC_ZONES, parseEndpoint } from "../../../host/address/endpoint-text.ts";
import { formatAddress, parseAddress, parsePrefix } from "../../../host/address/ip.ts";
import { ZONES } from "../uapi/support/connection.ts";

const before = ascii("1:"); // what a parser that reads outside its text would trip over
const after = ascii("1/1]:1");

/** Run a parser on `text` in the middle of other text. */
function on<T>(parse: (bytes: Uint8Array, start: number, end: number) => T, text: string): T {
  const bytes = Buffer.concat([before, Buffer.from(text, "latin1"), after]);
  return parse(bytes, before.length, before.length + Buffer.byteLength(text, "latin1"));
}

describe("addresses", () => {
  it.each([
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["10.1.2.3", "10.1.2.3"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8::00aF", "2001:db8::af"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ["::ffff:102:304", "::ffff:1.2.3.4"],
    ["::1.2.3.4", "::102:304"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"],
  ])("%s reads as %s", (text, canonical) => {
    expect(formatAddress(on(parseAddress, text)!)).toBe(canonical);
  });

  it.each([
    ..."|1|1.2.3|1.2.3.4.5|1.2.3.256|01.2.3.4|1.2.3.04|1.2..4|.1.2.3|1.2.3.|0x1.2.3.4|1.2.3.4 | 1.2.3.4|1.2.3.-4".split(
      "|",
    ),
    ..."|:|:::|1::2::3|12345::|1:2:3:4:5:6:7|1:2:3:4:5:6:7:8:9|::g|::1%eth0|fe80::1%1|::1.2.3|::0x1.2.3.4|::ffff:01.2.3.4|1.2.3.4::|::1.2.3.4:5|1:2:3:4:5:6:7:1.2.3.4|[::1]".split(
      "|",
    ),
    `::${"0".repeat(60)}1`,
  ])("%j is none", (text) => {
    expect(on(parseAddress, text)).toBeUndefined();
  });

  it("agree with the runtime on what an address is", () => {
    const chars = fc.constantFrom(..."0123456789abcF:.:::..");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.ipV4().map((ip) => `::${ip}`),
          fc.string({ unit: chars, maxLength: 24 }),
        ),
        (text) => {
          const address = on(parseAddress, text);
          expect(address?.length ?? 0).toBe({ 0: 0, 4: 4, 6: 16 }[isIP(text)]);
          if (address === undefined) return;
          expect(on(parseAddress, formatAddress(address))).toEqual(address);
          // In the runtime's own spelling: it writes ::/96 with a dotted quad.
          const family = address.length === 4 ? "ipv4" : "ipv6";
          const [theirs, ours] = [text, formatAddress(address)].map(
            (same) => new SocketAddress({ address: same, family }),
          );
          expect(ours!.address).toBe(theirs!.address);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("prefixes", () => {
  it.each([
    ["10.0.0.0/8", 4, 8],
    ["0.0.0.0/0", 4, 0],
    ["1.2.3.4/32", 4, 32],
    ["::/0", 16, 0],
    ["2001:db8::1/128", 16, 128],
  ])("%s", (text, bytes, prefix) => {
    const parsed = on(parsePrefix, text)!;
    expect([parsed.address.length, parsed.prefix]).toEqual([bytes, prefix]);
  });

  it.each([
    "",
    "/",
    "/8",
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/8/8",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/ 8",
    "fe80::1%eth0/64",
    "10.0.0.0/999999999999999999999",
  ])("%j is none", (text) => {
    expect(on(parsePrefix, text)).toBeUndefined();
  });
});

describe("endpoints", () => {
  it.each([
    ["192.0.2.1:51820", 0],
    ["[2001:db8::1]:65535", 0],
    ["[fe80::1%eth0]:1", 2],
    ["[fe80::1%4294967295]:1", 4294967295],
    ["192.0.2.1:0", 0],
  ])("%s survives a round trip", (text, scope) => {
    const endpoint = on((bytes, start, end) => parseEndpoint(bytes, start, end, ZONES), text)!;
    expect(endpoint.scope).toBe(scope);
    expect(formatEndpoint(endpoint, ZONES)).toBe(text);
  });

  it.each([
    "",
    ":",
    "1.2.3.4",
    "1.2.3.4:",
    "1.2.3.4:65536",
    "1.2.3.4:-1",
    "1.2.3.4:http",
    "1.2.3.4:1:1",
    "[1.2.3.4]:1",
    "::1:1",
    "[::1]",
    "[::1]1",
    "[::1]:",
    "[]:1",
    "[:1",
    "[",
    "[::1:1",
    "::1]:1",
    "[::1%]:1",
    "[fe80::1%wlan9]:1",
    "[fe80::1%-1]:1",
    "[fe80::1%4294967296]:1",
    "[fe80::1%0123456789012345]:1",
    "[fe80::1%a b]:1",
    "[fe80::1%eth0%eth0]:1",
    "localhost:1",
    "[[::1]]:1",
    "[::1]]:1",
    "1.2.3.4%eth0:1",
  ])("%j is none", (text) => {
    expect(on((bytes, start, end) => parseEndpoint(bytes, start, end, ZONES), text)).toBeUndefined();
  });

  it("show a zone by number where the system has no name for it", () => {
    const address = on(parseAddress, "fe80::1")!;
    expect(formatEndpoint({ address, port: 9, scope: 7 }, NUMERIC_ZONES)).toBe("[fe80::1%7]:9");
  });
});

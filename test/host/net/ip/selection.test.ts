import { describe, expect, it } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { selectSource, sortDestinations } from "../../../../host/net/ip/selection.ts";

const addresses = (...texts: string[]) => texts.map((text) => IpAddress.parse(text)!);
const source = (own: string[], destination: string) =>
  selectSource(addresses(...own), IpAddress.parse(destination)!)?.toString();

// The examples of RFC 6724 §10.1 that need no interface, home or temporary addresses, and some of ours.
describe("the source of a packet", () => {
  it.each([
    ["of the same scope", ["2001:db8:3::1", "fe80::1"], "2001:db8:1::1", "2001:db8:3::1"],
    ["of link scope for a neighbour", ["2001:db8:3::1", "fe80::1"], "fe80::2", "fe80::1"],
    ["equal to the destination", ["2001:db8:2::1", "2001:db8:1::1"], "2001:db8:1::1", "2001:db8:1::1"],
    ["with the longest prefix in common", ["2001:db8:1::1", "2001:db8:3::1"], "2001:db8:3::2", "2001:db8:3::1"],
    ["of the same kind: 6to4", ["2002:c633:6401::1", "2001:db8:1::1"], "2002:c633:6401::d", "2002:c633:6401::1"],
    ["of the same kind: unique local", ["2001:db8::1", "fd00::1"], "fd12:3456::1", "fd00::1"],
    ["of a network for IPv4", ["10.0.0.1", "192.168.7.2"], "192.168.7.9", "192.168.7.2"],
    ["the first of equal ones", ["2001:db8::1", "2001:db8::2"], "2001:db8::3", "2001:db8::1"],
  ])("is one %s", (_, own, destination, wanted) => expect(source(own, destination)).toBe(wanted));

  it("is none without an address of the family", () => {
    expect(source(["10.0.0.1"], "2001:db8::1")).toBeUndefined();
    expect(source(["2001:db8::1"], "10.0.0.1")).toBeUndefined();
  });
});

// RFC 6724 §10.2.
describe("destinations are tried", () => {
  const sorted = (own: string[], ...destinations: string[]) =>
    sortDestinations(addresses(...destinations), addresses(...own)).map(String);

  it("in the scope of a source first", () => {
    expect(sorted(["2001:db8:1::2", "fe80::1", "169.254.13.78"], "198.51.100.121", "2001:db8:1::1")).toEqual([
      "2001:db8:1::1",
      "198.51.100.121",
    ]);
    expect(sorted(["fe80::1", "198.51.100.117"], "2001:db8:1::1", "198.51.100.121")).toEqual([
      "198.51.100.121",
      "2001:db8:1::1",
    ]);
  });

  it("by precedence: IPv6 before IPv4, 6to4 behind IPv4", () => {
    expect(sorted(["2001:db8:1::2", "10.1.2.4"], "10.1.2.3", "2001:db8:1::1")).toEqual(["2001:db8:1::1", "10.1.2.3"]);
    expect(sorted(["2002:c633:6401::2", "10.1.2.4"], "2002:836b:4179::2", "10.1.2.3")).toEqual([
      "10.1.2.3",
      "2002:836b:4179::2",
    ]);
  });

  it("without a source last", () => {
    expect(sorted(["10.1.2.4"], "2001:db8::1", "10.1.2.3")).toEqual(["10.1.2.3", "2001:db8::1"]);
  });

  it("by the longest prefix in common", () => {
    expect(sorted(["2001:db8:3::1"], "2001:db8:f::1", "2001:db8:3::2")).toEqual(["2001:db8:3::2", "2001:db8:f::1"]);
  });

  it("in the order of the answer otherwise", () => {
    expect(sorted(["10.0.0.1"], "192.0.2.9", "10.0.0.2", "192.0.2.3")).toEqual(["192.0.2.9", "10.0.0.2", "192.0.2.3"]);
  });
});

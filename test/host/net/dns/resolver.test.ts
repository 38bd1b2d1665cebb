import { encode } from "@dnsquery/dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { readReply } from "../../../../host/net/dns/message.ts";
import { FAR, NEAR } from "../../../net/pair.ts";
import { address, alias, resolving } from "./support.ts";

const NXDOMAIN = 3;
const rcode = (code: number) => ({ flags: 0x100 | code });

describe("a name is resolved", () => {
  it("to its addresses, of the family that was asked for", () => {
    const { lookup, server } = resolving(({ name, type }) => ({
      answers: type === "A" ? [address(name, "192.0.2.7"), address(name, "192.0.2.8")] : [address(name, "2001:db8::7")],
    }));
    expect(lookup("db.example")).toBe("192.0.2.7 192.0.2.8");
    expect(lookup("db.example", "AAAA")).toBe("2001:db8::7");
    expect(server.queries).toMatchObject([
      { name: "db.example", type: "A", over: "udp", edns: true },
      { name: "db.example", type: "AAAA" },
    ]);
  });

  it("in whatever case it and the answer are written, and with a last dot", () => {
    const { lookup, server } = resolving(() => ({ answers: [address("DB.Example", "192.0.2.7")] }));
    expect(lookup("Db.eXample.")).toBe("192.0.2.7");
    expect(server.queries[0]!.name).toBe("db.example");
  });

  it("along a chain of aliases", () => {
    const { lookup } = resolving(() => ({
      answers: [alias("b.example", "c.other"), address("c.other", "192.0.2.9"), alias("a.example", "b.example")],
    }));
    expect(lookup("a.example")).toBe("192.0.2.9");
  });

  it("to nothing when aliases go in circles", () => {
    const { lookup } = resolving(() => ({
      answers: [alias("a.example", "b.example"), alias("b.example", "a.example")],
    }));
    expect(lookup("a.example")).toBe("ENODATA");
  });

  it("without what the server says about other names", () => {
    const { lookup } = resolving(() => ({ answers: [address("bank.example", "192.0.2.66")] }));
    expect(lookup("a.example")).toBe("ENODATA");
  });

  it("in the search domains: a short name there first, one with dots there last", () => {
    const known = new Set(["db.corp.example", "www.site.corp.example"]);
    const { lookup, server } = resolving(
      ({ name }) => (known.has(name) ? { answers: [address(name, "192.0.2.7")] } : rcode(NXDOMAIN)),
      { search: ["dev.example", "corp.example"] },
    );
    expect(lookup("db")).toBe("192.0.2.7");
    expect(server.queries.map(({ name }) => name)).toEqual(["db.dev.example", "db.corp.example"]);
    server.queries.length = 0;
    expect(lookup("www.site")).toBe("192.0.2.7");
    expect(server.queries.map(({ name }) => name)).toEqual([
      "www.site",
      "www.site.dev.example",
      "www.site.corp.example",
    ]);
    server.queries.length = 0;
    expect(lookup("nowhere.")).toBe("ENOTFOUND");
    expect(server.queries.map(({ name }) => name)).toEqual(["nowhere"]);
  });

  it("without a question to anybody where there is nothing to ask", () => {
    const hosts = new Map([["Router.example", [IpAddress.parse("192.0.2.1")!, IpAddress.parse("2001:db8::1")!]]]);
    const { lookup, server } = resolving(() => undefined, { hosts });
    expect(lookup("router.example")).toBe("192.0.2.1");
    expect(lookup("router.example", "AAAA")).toBe("2001:db8::1");
    expect(lookup("192.0.2.9")).toBe("192.0.2.9");
    expect(lookup("192.0.2.9", "AAAA")).toBe("ENODATA");
    expect(lookup("localhost")).toBe("ENOTFOUND");
    expect(lookup("x.localhost")).toBe("ENOTFOUND");
    expect(lookup("hidden.onion")).toBe("ENOTFOUND");
    for (const name of ["", ".", "a..b", "a b", "-".repeat(64), `${"a.".repeat(130)}a`, "a\0b"]) {
      expect(lookup(name), JSON.stringify(name)).toBe("EBADNAME");
    }
    expect(server.queries).toEqual([]);
  });

  it("in its ASCII form when it is international", () => {
    const { lookup, server } = resolving(({ name }) => ({ answers: [address(name, "192.0.2.7")] }));
    expect(lookup("bücher.example")).toBe("192.0.2.7");
    expect(server.queries[0]!.name).toBe("xn--bcher-kva.example");
  });

  it("never to what a wrong or missing server list could answer", () => {
    const { lookup } = resolving(() => undefined, { servers: [] });
    expect(lookup("a.example")).toBe("ENOTFOUND");
  });
});

describe("what servers say", () => {
  it.each([
    ["that there is no such name", rcode(NXDOMAIN), "ENOTFOUND"],
    ["that there is no such record", {}, "ENODATA"],
    ["that they fail", rcode(2), "ESERVFAIL"],
    ["that they refuse", rcode(5), "EREFUSED"],
  ])("%s is told", (_, response, wanted) => expect(resolving(() => response).lookup("a.example")).toBe(wanted));

  it("is asked of the next one when the first fails, refuses, is not there or is silent", () => {
    for (const first of ["192.0.2.200", FAR[4]]) {
      const { lookup, server } = resolving(
        ({ name }) =>
          server.queries.length === 1 && first === FAR[4] ? rcode(2) : { answers: [address(name, "192.0.2.7")] },
        { servers: [first, FAR[4]].map((text) => IpAddress.parse(text)!) },
      );
      expect(lookup("a.example")).toBe("192.0.2.7");
    }
  });

  it("is asked again, from another port and with another identifier, when nothing comes", () => {
    const { lookup, server } = resolving(({ name }) =>
      server.queries.length < 2 ? undefined : { answers: [address(name, "192.0.2.7")] },
    );
    expect(lookup("a.example")).toBe("192.0.2.7");
    const [first, second] = server.queries;
    expect(second!.at - first!.at).toBeCloseTo(3000);
    expect(second!.port).not.toBe(first!.port);
    expect(second!.id).not.toBe(first!.id);
  });

  it("is given up after two rounds of silence", () => {
    const { lookup, pair, server } = resolving(() => undefined);
    expect(lookup("a.example")).toBe("ETIMEOUT");
    expect(pair.clock.now).toBeCloseTo(9000);
    expect(server.queries).toHaveLength(2);
    expect(pair.near.stack.udp.sockets()).toEqual([]);
    expect(pair.near.stack.budget.taken).toBe(0);
  });

  it("is known at once when nobody listens there", () => {
    const { lookup, pair } = resolving(() => undefined);
    pair.far.stack.udp.sockets()[0]!.close();
    pair.clock.runUntil(1);
    expect(lookup("a.example")).toBe("ECONNREFUSED");
    expect(pair.clock.now).toBeLessThan(100);
  });

  it("is asked without EDNS when the server does not know that", () => {
    const { lookup, server } = resolving(({ name, edns }) =>
      edns ? { ...rcode(1), questions: [] } : { answers: [address(name, "192.0.2.7")] },
    );
    expect(lookup("a.example")).toBe("192.0.2.7");
    expect(server.queries.map(({ edns }) => edns)).toEqual([true, false]);
  });

  it("is fetched over TCP when it was cut off", () => {
    const many = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`);
    const { lookup, server, pair } = resolving(({ name, over }) =>
      over === "udp" ? { flags: 0x200 } : { answers: many.map((text) => address(name, text)) },
    );
    expect(lookup("a.example")).toBe(many.join(" "));
    expect(server.queries.map(({ over }) => over)).toEqual(["udp", "tcp"]);
    pair.clock.runUntil(pair.clock.now + 1000);
    expect([...pair.near.stack.tcp.connections()]).toEqual([]);
  });

  it("is given up when TCP brings no answer either", () => {
    const { lookup, pair } = resolving(({ over }) => (over === "udp" ? { flags: 0x200 } : undefined));
    expect(lookup("a.example")).toBe("ETIMEOUT");
    expect(pair.clock.now).toBeLessThan(20_000);
  });

  it.each([
    ["another identifier", (id: number) => ({ id: id ^ 1 })],
    ["another question", () => ({ questions: [{ type: "A" as const, name: "b.example" }] })],
    ["another type", () => ({ questions: [{ type: "AAAA" as const, name: "a.example" }] })],
    ["a query in its place", () => ({ type: "query" as const })],
  ])("with %s is ignored, and the true answer still taken", (_, wrong) => {
    const { lookup, server, pair } = resolving(({ name, id, port }) => {
      const forged = { type: "response" as const, id, questions: [{ type: "A" as const, name }], ...wrong(id) };
      const socket = pair.far.stack.udp.sockets()[0]!;
      socket.send(encode({ ...forged, answers: [address(name, "192.0.2.66")] }), IpAddress.parse(NEAR[4])!, port);
      return { answers: [address(name, "192.0.2.7")] };
    });
    expect(lookup("a.example")).toBe("192.0.2.7");
    expect(server.queries).toHaveLength(1);
    expect(pair.near.stack.counters.read("dnsIgnored")).toBe(1);
  });

  it("from another port or address never reaches the resolver", () => {
    const { lookup, pair } = resolving(({ name, id, port }) => {
      const other = pair.far.stack.udp.open({ localPort: 5353 });
      if (typeof other === "string") throw new Error(other);
      const forged = encode({
        type: "response",
        id,
        questions: [{ type: "A", name }],
        answers: [address(name, "192.0.2.66")],
      });
      other.send(forged, IpAddress.parse(NEAR[4])!, port);
      return { answers: [address(name, "192.0.2.7")] };
    });
    expect(lookup("a.example")).toBe("192.0.2.7");
  });

  it("with more records than anybody needs is not even read", () => {
    const many = (count: number) => Array.from({ length: count }, () => address("a.example", "192.0.2.7"));
    const answer = (count: number) =>
      encode({ type: "response", id: 1, questions: [{ type: "A", name: "a.example" }], answers: many(count) });
    expect(readReply(answer(256), 1, { name: "a.example", kind: "A" })?.outcome).toBe("addresses");
    expect(readReply(answer(257), 1, { name: "a.example", kind: "A" })).toBeUndefined();
  });

  it("wrongly, over and over, makes the resolver ask elsewhere instead of listening for ever", () => {
    const { lookup, pair } = resolving(({ id, port }) => {
      const socket = pair.far.stack.udp.sockets()[0]!;
      for (let i = 0; i < 100; i++) {
        socket.send(encode({ type: "response", id: id ^ 1 }), IpAddress.parse(NEAR[4])!, port);
      }
      return undefined;
    });
    expect(lookup("a.example")).toBe("EBADRESP");
    expect(pair.clock.now).toBeLessThan(1000);
  });
});

describe("an answer is kept", () => {
  it("for as long as the shortest TTL on the way says", () => {
    const { lookup, server, pair } = resolving(() => ({
      answers: [alias("a.example", "b.example", 30), address("b.example", "192.0.2.7", 600)],
    }));
    lookup("a.example");
    pair.clock.runUntil(29_000);
    expect(lookup("A.example")).toBe("192.0.2.7");
    expect(server.queries).toHaveLength(1);
    pair.clock.runUntil(31_000);
    lookup("a.example");
    expect(server.queries).toHaveLength(2);
  });

  it("not at all with a TTL of zero", () => {
    const { lookup, server } = resolving(({ name }) => ({ answers: [address(name, "192.0.2.7", 0)] }));
    lookup("a.example");
    lookup("a.example");
    expect(server.queries).toHaveLength(2);
  });

  it("that says no, for as long as its SOA record says, and five minutes at most", () => {
    const soa = (minimum: number) => ({
      ...rcode(NXDOMAIN),
      authorities: [{ type: "SOA" as const, name: "example", ttl: 7200, data: { mname: "a", rname: "b", minimum } }],
    });
    for (const [minimum, kept] of [
      [60, 60],
      [7200, 300],
    ] as const) {
      const { lookup, server, pair } = resolving(() => soa(minimum));
      expect(lookup("a.example")).toBe("ENOTFOUND");
      pair.clock.runUntil(kept * 1000 - 1000);
      expect(lookup("a.example")).toBe("ENOTFOUND");
      expect(server.queries).toHaveLength(1);
      pair.clock.runUntil(kept * 1000 + 1000);
      lookup("a.example");
      expect(server.queries).toHaveLength(2);
    }
  });

  it("of a thousand names and no more", () => {
    const { lookup, server } = resolving(({ name }) => ({ answers: [address(name, "192.0.2.7", 3600)] }));
    for (let i = 0; i <= 1024; i++) lookup(`n${i}.example`);
    server.queries.length = 0;
    lookup("n1024.example");
    lookup("n0.example");
    expect(server.queries.map(({ name }) => name)).toEqual(["n0.example"]);
  });
});

describe("a question", () => {
  it("that several have at once is asked once", () => {
    const { pair, resolver, server } = resolving(({ name }) => ({ answers: [address(name, "192.0.2.7")] }));
    const found: string[] = [];
    for (let i = 0; i < 5; i++) resolver.resolve("a.example", "A", (result) => found.push(`${result}`));
    expect(found).toEqual([]);
    pair.clock.runUntil(100);
    expect(found).toEqual(new Array(5).fill("192.0.2.7"));
    expect(server.queries).toHaveLength(1);
  });

  it("that is given up is told to nobody, and leaves nothing behind", () => {
    const { pair, resolver } = resolving(() => undefined);
    const found: unknown[] = [];
    const abandon = resolver.resolve("a.example", "A", (result) => found.push(result));
    pair.clock.runUntil(10);
    abandon();
    pair.clock.runUntil(20_000);
    expect(found).toEqual([]);
    expect(pair.near.stack.udp.sockets()).toEqual([]);
  });

  it("too many is refused, and the others are not disturbed", () => {
    const { pair, resolver } = resolving(() => undefined);
    const found: string[] = [];
    for (let i = 0; i < 1030; i++) resolver.resolve(`n${i}.example`, "A", (result) => found.push(`${result}`));
    pair.clock.runUntil(1);
    expect(found).toEqual(new Array(6).fill("ENOBUFS"));
    pair.clock.runUntil(30_000);
    expect(found).toHaveLength(1030);
    expect(pair.near.stack.budget.taken).toBe(0);
  });

  it("under way ends with the stack, and is told", () => {
    const { pair, resolver } = resolving(() => undefined);
    const found: unknown[] = [];
    resolver.resolve("a.example", "A", (result) => found.push(result));
    pair.clock.runUntil(5);
    resolver.resolve("b.example", "A", (result) => found.push(result));
    pair.near.stack.close();
    expect(found).toEqual(["ECANCELLED", "ECANCELLED"]);
    expect(pair.near.stack.budget.taken).toBe(0);
    expect(pair.near.stack.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("whatever a server sends", () => {
  const question = { name: "a.example", kind: "A" } as const;
  const good = encode({
    type: "response",
    id: 77,
    questions: [{ type: "A", name: "a.example" }],
    answers: [alias("a.example", "b.example"), address("b.example", "192.0.2.7")],
  });

  it("does no harm: random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(readReply(bytes, 77, question)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  it("does no harm: answers with some bytes changed", () => {
    const change = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(change, fc.nat(good.length), (changes, length) => {
        const bytes = good.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        readReply(bytes, 77, question);
      }),
      { numRuns: 3000 },
    );
  });

  it("takes no long time: names that point at names that point at names", () => {
    const bytes = new Uint8Array(65_535);
    bytes.set(good.subarray(0, 12));
    const view = new DataView(bytes.buffer);
    view.setUint16(6, 0xffff);
    for (let at = 12; at + 2 <= bytes.length; at += 2) view.setUint16(at, 0xc000 | Math.max(12, at - 2));
    const start = process.cpuUsage();
    readReply(bytes, 77, question);
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(2000);
  });
});

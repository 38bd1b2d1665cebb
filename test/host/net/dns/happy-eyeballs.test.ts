import { describe, expect, it } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { connectByName, type NameConnectOptions, type NameFailure } from "../../../../host/net/dns/happy-eyeballs.ts";
import type { TcpStream } from "../../../../host/net/tcp/face.ts";
import { FAR, NEAR, PORT } from "../../../net/pair.ts";
import { address, type Respond, resolving } from "./support.ts";

const V4 = { name: "a.example", good: FAR[4], silent: "10.0.0.9" };
const SILENT6 = "fd00::9";

function connecting(respond: Respond, options: Partial<NameConnectOptions> = {}, own: string[] = [NEAR[4], NEAR[6]]) {
  const made = resolving(respond);
  const { pair, resolver } = made;
  const listener = pair.listen();
  let result: TcpStream | NameFailure | undefined;
  const began = pair.clock.now;
  const cancel = connectByName(
    {
      context: pair.near.stack,
      tcp: pair.near.stack.tcp,
      resolver,
      addresses: own.map((text) => IpAddress.parse(text)!),
    },
    {
      name: V4.name,
      remotePort: PORT,
      done: (found) => {
        result = found;
      },
      ...options,
    },
  );
  const run = (limitMs = 120_000) => {
    pair.clock.runWhile(() => result === undefined, began + limitMs);
    return typeof result === "object" ? result.remote.toString() : result;
  };
  return { ...made, listener, cancel, run };
}

/** Answers, each after its own time. */
function answers(byType: Record<string, string[]>): Respond {
  return ({ name, type }) => ({ answers: (byType[type] ?? []).map((text) => address(name, text)) });
}

describe("a connection to a name", () => {
  it("is made by IPv6 where both answer", () => {
    const { run, pair } = connecting(answers({ A: [FAR[4]], AAAA: [FAR[6]] }));
    expect(run()).toBe(FAR[6]);
    expect(pair.clock.now).toBeCloseTo(40);
  });

  it("is made by IPv4 after a quarter of a second where IPv6 leads nowhere", () => {
    const { run, pair } = connecting(answers({ A: [FAR[4]], AAAA: [SILENT6] }));
    expect(run()).toBe(FAR[4]);
    expect(pair.clock.now).toBeCloseTo(20 + 250 + 20);
    pair.clock.runUntil(60_000);
    expect([...pair.near.stack.tcp.connections()]).toHaveLength(1);
  });

  it("does not wait for the AAAA answer for longer than 50 ms", () => {
    const { run, pair } = connecting(({ name, type }) =>
      type === "A" ? { answers: [address(name, FAR[4])] } : undefined,
    );
    expect(run()).toBe(FAR[4]);
    expect(pair.clock.now).toBeCloseTo(20 + 50 + 20);
  });

  it("goes from address to address, alternating between families", () => {
    const { run, pair, server } = connecting(
      answers({ A: ["10.0.0.9", FAR[4]], AAAA: [SILENT6, "fd00::8", "fd00::7"] }),
    );
    expect(run()).toBe(FAR[4]);
    // fd00::x, 10.0.0.9, fd00::x, 10.0.0.2
    expect(pair.clock.now).toBeCloseTo(20 + 3 * 250 + 20);
    expect(server.queries).toHaveLength(2);
  });

  it("goes on at once after a refusal", () => {
    const { run, pair } = connecting(answers({ A: [FAR[4]], AAAA: [FAR[6]] }), { remotePort: 9 });
    expect(run()).toBe("ECONNREFUSED");
    expect(pair.clock.now).toBeLessThan(100);
  });

  it("asks and tries one family only where that is wanted, or all we have", () => {
    const only = connecting(answers({ A: [FAR[4]], AAAA: [FAR[6]] }), { families: 4 });
    expect(only.run()).toBe(FAR[4]);
    expect(only.server.queries.map(({ type }) => type)).toEqual(["A"]);
    const single = connecting(answers({ A: [FAR[4]], AAAA: [FAR[6]] }), {}, [NEAR[6]]);
    expect(single.run()).toBe(FAR[6]);
    expect(single.server.queries.map(({ type }) => type)).toEqual(["AAAA"]);
    expect(connecting(answers({}), { families: 4 }, [NEAR[6]]).run()).toBe("ENETUNREACH");
  });

  it("fails as the look-up does", () => {
    expect(connecting(() => ({ flags: 0x103 })).run()).toBe("ENOTFOUND");
    expect(connecting(answers({})).run()).toBe("ENODATA");
    expect(connecting(() => undefined).run()).toBe("ETIMEOUT");
  });

  it("fails in time where nothing answers, and leaves nothing behind", () => {
    const { run, pair } = connecting(answers({ A: [V4.silent], AAAA: [SILENT6] }), { timeoutMs: 5000 });
    expect(run()).toBe("ETIMEDOUT");
    expect(pair.clock.now).toBeCloseTo(20 + 250 + 5000);
    expect([...pair.near.stack.tcp.connections()]).toEqual([]);
  });

  it("is told to nobody once it was given up", () => {
    const { cancel, run, pair } = connecting(answers({ A: [V4.silent], AAAA: [SILENT6] }));
    pair.clock.runUntil(300);
    expect([...pair.near.stack.tcp.connections()]).toHaveLength(2);
    cancel();
    expect(run(10_000)).toBeUndefined();
    expect([...pair.near.stack.tcp.connections()]).toEqual([]);
  });
});

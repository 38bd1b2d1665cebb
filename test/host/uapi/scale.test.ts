/** Configurations as large as the kernel's own tests use, within limits far above what was measured. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { World } from "./support/connection.ts";
import { PEER_A } from "./support/keys.ts";

const PEERS = 10_000;
const ALLOWED_IPS = 130_560;

let world: World;
beforeAll(async () => {
  world = await World.create({ storageBytes: 64 * (PEERS + 2) });
});
beforeEach(() => world.reset());

/** CPU time, so that a busy machine does not matter. @returns milliseconds */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function timed<T>(what: string, work: () => T): T {
  let result: T | undefined;
  console.log(`${what}: ${cost(() => (result = work())).toFixed(0)} ms`);
  return result as T;
}

function prefixes(): string[] {
  const half = Array.from({ length: ALLOWED_IPS / 2 }, (_, i) => i);
  return [
    ...half.map((i) => `allowed_ip=${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`),
    ...half.map((i) => `allowed_ip=2001:db8:${(i + 1).toString(16)}::/48`),
  ];
}

describe("large configurations", () => {
  it("130,560 allowed IPs in one set, and the get of them", { timeout: 20_000 }, () => {
    const lines = `${prefixes().join("\n")}\n`;
    const answer = timed("set", () => world.ask(`set=1\npublic_key=${PEER_A}\n${lines}\n`));
    expect(answer).toBe("errno=0\n\n");
    expect(world.target.owners.size).toBe(ALLOWED_IPS);
    const description = timed("get", () => world.ask("get=1\n\n"));
    expect(description.endsWith(`persistent_keepalive_interval=0\n${lines}errno=0\n\n`)).toBe(true);
    expect(world.areasAreWiped()).toBe(true);
  });

  it("parses 130,560 allowed IPs in well under 2 s, the device's own work aside", () => {
    const lines = `${prefixes().join("\n")}\n`;
    world.ask(`set=1\npublic_key=${PEER_A}\n\n`);
    let count = 0;
    const [peer] = world.target.peers();
    peer!.addAllowedIp = () => void count++;
    const spent = cost(() => world.ask(`set=1\npublic_key=${PEER_A}\n${lines}\n`));
    console.log(`set, parsing alone: ${spent.toFixed(0)} ms`);
    expect(spent).toBeLessThan(1500);
    expect(count).toBe(ALLOWED_IPS);
  });

  it("10,000 peers", { timeout: 20_000 }, () => {
    const sections = Array.from(
      { length: PEERS },
      (_, i) =>
        `public_key=${i.toString(16).padStart(64, "0")}\nendpoint=192.0.2.1:${i}\nallowed_ip=10.0.${i >> 8}.${i & 255}/32\n`,
    );
    expect(timed("set", () => world.ask(`set=1\nreplace_peers=true\n${sections.join("")}\n`))).toBe("errno=0\n\n");
    const description = timed("get", () => world.ask("get=1\n\n"));
    expect(description.match(/^public_key=/gm)).toHaveLength(PEERS);
    expect(description.match(/^allowed_ip=/gm)).toHaveLength(PEERS);
  });

  it("a client that sends one request byte by byte costs no rescans", () => {
    const connection = world.connect();
    connection.pieceBytes = 1;
    const spent = cost(() => connection.send(`set=1\nlisten_port=${"0".repeat(60_000)}1\n\n`));
    expect(connection.answers).toBe("errno=0\n\n");
    expect(spent).toBeLessThan(2000);
  });
});

import { expect, it } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { RandomSource } from "../../../../host/net/random.ts";
import { Entry, Table } from "../../../../host/net/tcp/table.ts";
import { Random } from "../../../simulation/random.ts";

class Some extends Entry {
  readonly kind = "half-open";
}

it("a peer who may choose every bit of IPv6 addresses cannot have them all looked for in one place", () => {
  const random = new Random(1);
  const table = new Table(new RandomSource((into) => into.set(random.bytes(into.length))));
  const own = IpAddress.parse("fd00::1")!;
  // Words 1 and 2 such that sums and products of theirs without a key are the same in all.
  let inverse = 1;
  for (let i = 0; i < 6; i++) inverse = Math.imul(inverse, 2 - Math.imul(961, inverse));
  const aimed = Array.from({ length: 1000 }, (_, i) => new IpAddress(0x2001_0db8, i, Math.imul(31 * i, inverse), 1));
  const entries = aimed.map((remote) => new Some(own, 80, remote, 1000));
  for (const entry of entries) table.add(entry);
  expect(new Set(entries.map(({ hash }) => hash)).size).toBeGreaterThan(990);
  for (const entry of entries) expect(table.get(own, 80, entry.remote, 1000)).toBe(entry);
});

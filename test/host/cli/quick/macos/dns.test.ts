// DNS servers of a Mac's network services, while a tunnel is up and afterwards: a user's own must not be lost. Never run on a Mac.
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { giveUp, look } from "../../../../../host/cli/quick/macos/follower.ts";
import { NetworkRecord } from "../../../../../host/cli/quick/macos/record.ts";
import { ALL, daemon, down, leftovers, mac, programs, SOME, up, upInVain, useMac } from "./support/office.ts";

useMac();

const SERVICE = "USB 10/100 LAN";
const OWN = ["192.168.1.1", "fd00::1"];
const present = (): readonly string[] => programs.services.get(SERVICE)!.servers;

test("DNS servers come after routes, and are back before the interface and its endpoints' routes go", async () => {
  await up(ALL);
  const lines = programs.changes.map((line) => line.split(" ").slice(0, 2).join(" "));
  expect(lines.indexOf("networksetup -setdnsservers")).toBeGreaterThan(lines.lastIndexOf("route -q"));
  const seen: unknown[] = [];
  programs.before = (line) => {
    if (line.startsWith("networksetup -setdnsservers")) seen.push(existsSync(daemon!.socket));
    if (line.startsWith("route -q -n delete")) seen.push(mac.interfaces.map(({ name }) => name));
  };
  await down(ALL);
  expect(seen).toEqual([true, true, ["en0"]]);
});

test.each(["fails", "tells an error as if it were an answer"])("are left alone where the question %s", async (how) => {
  if (how === "fails") programs.fails = `networksetup -getdnsservers ${SERVICE}`;
  else programs.services.get(SERVICE)!.error = "** Error: The parameters were not valid.\n";
  await up(ALL);
  expect(present()).toEqual(OWN);
  programs.fails = undefined;
  programs.services.get(SERVICE)!.error = undefined;
  await look(programs, "office");
  expect(present()).toEqual(["10.7.0.53", "fd07::53"]);
  await down(ALL);
  expect(present()).toEqual(OWN);
});

test("a signal ends it between one network service and the next", async () => {
  programs.before = (line) => {
    if (line.startsWith("networksetup -setdnsservers Wi-Fi")) process.emit("SIGINT", "SIGINT");
  };
  await upInVain(ALL, "interrupted by SIGINT");
  const sets = programs.changes.filter((line) => line.startsWith("networksetup -setdnsservers"));
  expect(sets).toEqual([
    "networksetup -setdnsservers Wi-Fi 10.7.0.53 fd07::53",
    "networksetup -setdnsservers Wi-Fi Empty",
  ]);
});

test("DNS servers are put back without the list of services", async () => {
  await up(ALL);
  programs.fails = "networksetup -listallnetworkservices";
  await down(ALL);
  expect(present()).toEqual(OWN);
  expect(leftovers()).toEqual([]);
});

test("DNS servers that could not be put back are not forgotten", async () => {
  await up(ALL);
  programs.fails = `networksetup -setdnsservers ${SERVICE}`;
  await giveUp(programs, "office");
  await down(ALL);
  expect(leftovers()).toEqual(["office.network"]);
  // Nor by a tunnel that comes in between.
  await up(ALL);
  await down(ALL);
  programs.fails = undefined;
  await down(ALL);
  expect(present()).toEqual(OWN);
  expect(leftovers()).toEqual([]);
});

test("DNS servers of a service that is away wait for it", async () => {
  await up(ALL);
  const service = programs.services.get(SERVICE)!;
  programs.services.delete(SERVICE);
  await down(ALL);
  programs.services.set(SERVICE, service);
  await up(ALL);
  await down(ALL);
  expect(present()).toEqual(OWN);
  expect(leftovers()).toEqual([]);
});

test("DNS servers of one tunnel are not those that another would put back", async () => {
  const record = {
    dns: { servers: ["10.1.0.1"], search: [] },
    mtu: "given",
    families: [],
    endpoints: {},
    services: {},
  };
  const other = NetworkRecord.create("home", { ...record, interfaceName: "utun9", mtu: "given" });
  await expect(up(ALL)).rejects.toThrow("home has set its DNS servers");
  other.release();
  await expect(up(ALL)).rejects.toThrow("home has set its DNS servers");
  expect([daemon, programs.changes]).toEqual([undefined, []]);
  await up(SOME);
});

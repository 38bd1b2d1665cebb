// `up`, `down` and `save` on a Mac of the stand-in, with the daemon's whole driver behind them: never run on a Mac.
import { readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { giveUp, look } from "../../../../../host/cli/quick/macos/follower.ts";
import { saveConfig } from "../../../../../host/cli/quick/save.ts";
import { bringUp } from "../../../../../host/cli/quick/up.ts";
import {
  ALL,
  config,
  daemon,
  down,
  ENDPOINT,
  ENDPOINT6,
  folder,
  followed,
  GATEWAY,
  GATEWAY6,
  INTERFACE,
  leave,
  leftovers,
  mac,
  PEERS,
  peer,
  programs,
  quick,
  routesOf,
  SOME,
  up,
  upInVain,
  useMac,
} from "./support/office.ts";

useMac();

test("up sets what wg-quick sets, in its words and its order, and down leaves nothing", async () => {
  const before = programs.present("inet");
  await up(SOME);
  expect(programs.changes).toEqual([
    "ifconfig utun2 inet 10.7.0.1/24 10.7.0.1 alias",
    "ifconfig utun2 inet6 fd07::1/64 alias",
    "ifconfig utun2 up",
    "route -q -n add -inet6 fd07::/64 -interface utun2",
    "route -q -n add -inet 10.7.0.0/24 -interface utun2",
    "route -q -n add -inet 10.8.0.0/16 -interface utun2",
  ]);
  expect(daemon!.utun.device).toMatchObject({ up: true, mtu: 1420 });
  expect(await daemon!.get("endpoint")).toBe(`${ENDPOINT}:51820`);
  expect(readFileSync(join(folder, "office.name"), "utf8")).toBe("utun2\n");
  // Nothing of it needs anybody in the background.
  expect(followed).toEqual([]);
  await down(SOME);
  expect(mac.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  expect(programs.present("inet")).toEqual(before);
  expect(leftovers()).toEqual([]);
});

test("hooks are told the name that the system chose, and a second up that it is there", async () => {
  const seen = join(folder, "seen");
  await up(`${SOME.replace("[Peer]", `PreUp = echo %i $INTERFACE > ${seen}\n[Peer]`)}`);
  expect(readFileSync(seen, "utf8")).toBe("utun2 utun2\n");
  await expect(up(SOME)).rejects.toThrow("office already exists as utun2");
  expect(daemon!.utun.device.up).toBe(true);
});

test("a default route is two halves, and endpoints and DNS servers get what was there before", async () => {
  await up(ALL);
  expect(routesOf("inet")).toEqual([
    `default ${GATEWAY}`,
    `${ENDPOINT} ${GATEWAY}`,
    "0.0.0.0/1 utun2",
    "128.0.0.0/1 utun2",
  ]);
  expect(routesOf("inet6")).toEqual(["default fe80::%utun0", "::/1 utun2", "8000::/1 utun2"]);
  const routes = programs.changes.filter((line) => line.startsWith("route"));
  // Never would the tunnel's own packets have gone into it.
  expect(routes.indexOf(`route -q -n add -inet ${ENDPOINT} -gateway ${GATEWAY}`)).toBeLessThan(
    routes.indexOf("route -q -n add -inet 0.0.0.0/1 -interface utun2"),
  );
  for (const service of programs.services.values()) {
    expect(service).toMatchObject({ servers: ["10.7.0.53", "fd07::53"], search: ["corp.example"] });
  }
  expect(followed).toEqual(["office"]);
  await down(ALL);
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(routesOf("inet6")).toEqual(["default fe80::%utun0"]);
  expect(programs.services.get("Wi-Fi")).toMatchObject({ servers: [], search: ["lan", "home"] });
  expect(programs.services.get("USB 10/100 LAN")).toMatchObject({ servers: ["192.168.1.1", "fd00::1"], search: [] });
  expect(leftovers()).toEqual([]);
  expect(await look(programs, "office")).toBe("over");
});

describe("while the tunnel is up", () => {
  const BOTH = `${INTERFACE}${peer(0, `${ENDPOINT}:51820`, "0.0.0.0/0, ::/0")}${peer(1, `[${ENDPOINT6}]:51820`, "10.9.0.0/16")}`;

  test("endpoints follow the gateway, and lead nowhere while there is none", async () => {
    await up(BOTH);
    const way = (family: "inet" | "inet6", endpoint: string): string | undefined =>
      programs.present(family).find(({ destination }) => destination === endpoint)?.gateway;
    expect([way("inet", ENDPOINT), way("inet6", ENDPOINT6)]).toEqual([GATEWAY, "::1"]);
    programs.setGateway("inet", "10.20.0.1");
    programs.setGateway("inet6", GATEWAY6);
    expect(await look(programs, "office")).toBe("on");
    expect([way("inet", ENDPOINT), way("inet6", ENDPOINT6)]).toEqual(["10.20.0.1", GATEWAY6]);
    programs.setGateway("inet", undefined);
    await look(programs, "office");
    expect(way("inet", ENDPOINT)).toBe("127.0.0.1");
    await down(BOTH);
    expect([way("inet", ENDPOINT), way("inet6", ENDPOINT6)]).toEqual([undefined, undefined]);
  });

  test("endpoints' routes come back that the system dropped", async () => {
    await up(BOTH);
    programs.routes.inet = programs.routes.inet.filter(({ destination }) => destination !== ENDPOINT);
    await look(programs, "office");
    expect(routesOf("inet")).toContain(`${ENDPOINT} ${GATEWAY}`);
  });

  test("what is refused keeps nothing else from following, and is tried again", async () => {
    await up(ALL);
    programs.setGateway("inet", "10.20.0.1");
    programs.services.set("iPhone USB", { servers: ["172.20.10.1"], search: [], state: "on" });
    programs.fails = `route -q -n add -inet ${ENDPOINT}`;
    expect(await look(programs, "office")).toBe("on");
    expect(programs.services.get("iPhone USB")!.servers).toEqual(["10.7.0.53", "fd07::53"]);
    programs.fails = undefined;
    await look(programs, "office");
    expect(routesOf("inet")).toContain(`${ENDPOINT} 10.20.0.1`);
  });

  test("an ifconfig that fails is no sign that the interface has gone", async () => {
    await up(ALL);
    programs.fails = "ifconfig";
    expect(await look(programs, "office")).toBe("on");
    expect(routesOf("inet")).toContain(`${ENDPOINT} ${GATEWAY}`);
    await expect(up(ALL)).rejects.toThrow("office already exists as utun2");
  });

  test("and the tunnel when it has others", async () => {
    await up(BOTH);
    const key = Buffer.from(PEERS[0]!, "base64").toString("hex");
    expect(await daemon!.set([`public_key=${key}`, "endpoint=203.0.113.9:51820"])).toBe(0);
    await look(programs, "office");
    expect(routesOf("inet")).toContain(`203.0.113.9 ${GATEWAY}`);
    expect(routesOf("inet").join()).not.toContain(ENDPOINT);
  });

  test("the MTU follows that of the way out, unless one was given", async () => {
    await up(ALL);
    mac.configure("en0", { mtu: 9000 });
    await look(programs, "office");
    expect(daemon!.utun.device.mtu).toBe(8920);
    await down(ALL);
    const given = ALL.replace("DNS", "MTU = 1280\nDNS");
    await up(given);
    await look(programs, "office");
    expect(daemon!.utun.device.mtu).toBe(1280);
  });

  test("a network service that is new gets the tunnel's DNS servers, and its own back", async () => {
    await up(ALL);
    programs.services.set("iPhone USB", { servers: ["172.20.10.1"], search: [], state: "on" });
    await look(programs, "office");
    expect(programs.services.get("iPhone USB")!.servers).toEqual(["10.7.0.53", "fd07::53"]);
    programs.changes.length = 0;
    await look(programs, "office");
    // Whoever changes nothing makes no news.
    expect(programs.changes).toEqual([]);
    await down(ALL);
    expect(programs.services.get("iPhone USB")!.servers).toEqual(["172.20.10.1"]);
  });

  test("whoever follows and is told to end puts DNS back, and leaves routes to down", async () => {
    await up(ALL);
    await giveUp(programs, "office");
    expect(programs.services.get("Wi-Fi")!.search).toEqual(["lan", "home"]);
    expect(routesOf("inet")).toContain(`${ENDPOINT} ${GATEWAY}`);
    await down(ALL);
    expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  });
});

test("a daemon that ends by itself is cleaned up after by whoever follows", async () => {
  await up(ALL);
  await leave();
  expect(await look(programs, "office")).toBe("over");
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(programs.services.get("Wi-Fi")).toMatchObject({ servers: [], search: ["lan", "home"] });
});

test("or by down, where nobody followed, and by the next up", async () => {
  for (const next of [down, up]) {
    await up(ALL);
    await leave();
    await next(ALL);
    expect(programs.services.get("USB 10/100 LAN")!.servers).toEqual(
      next === up ? ["10.7.0.53", "fd07::53"] : ["192.168.1.1", "fd00::1"],
    );
  }
  await down(ALL);
  expect(programs.services.get("USB 10/100 LAN")!.servers).toEqual(["192.168.1.1", "fd00::1"]);
});

test.each([
  ["an address", "ifconfig utun2 inet6"],
  ["the second half of a default route", "route -q -n add -inet6 8000::/1"],
  ["an endpoint's route", `route -q -n add -inet ${ENDPOINT}`],
])("when %s is refused, all is undone", async (_, fails) => {
  programs.fails = fails;
  await upInVain(ALL);
  expect(mac.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(programs.services.get("Wi-Fi")).toMatchObject({ servers: [], search: ["lan", "home"] });
  expect(leftovers()).toEqual([]);
  expect(followed).toEqual([]);
});

test.each([
  ["Table = 777", "macOS has no routing table 777"],
  ["DNS = 10.7.0.53, Empty", "DNS = Empty"],
  ["DNS = 10.7.0.53, -x", "DNS = -x"],
  ["DNS = 10.7.0.53, -x:", "DNS = -x:"],
  ["DNS = 10.7.0.53, caf\xe9.example", "DNS = caf"],
])("%s, which macOS has not, is refused before anything is touched", async (line, message) => {
  const file = config(Buffer.from(SOME.replace("[Peer]", `${line}\n[Peer]`), "latin1"));
  expect(() => quick().check(file)).toThrow(message);
  await expect(bringUp(quick(), file)).rejects.toThrow(message);
  file.close();
  expect([daemon, programs.changes]).toEqual([undefined, []]);
});

test("a prefix whose route is refused ends it, too", async () => {
  programs.fails = "route -q -n add -inet 10.8.0.0/16";
  await upInVain(SOME, "the route to 10.8.0.0/16 through utun2 was refused");
  expect(mac.interfaces.map(({ name }) => name)).toEqual(["en0"]);
});

test("a terminal that closes undoes all, as Ctrl-C does", async () => {
  programs.before = (line) => {
    if (line.startsWith("route -q -n add -inet 0.0.0.0/1")) process.emit("SIGHUP", "SIGHUP");
  };
  await upInVain(ALL, "interrupted by SIGHUP");
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(leftovers()).toEqual([]);
});

test("a daemon that does not say which interface it has does not stay", async () => {
  // A clock that jumps: the name seems to be of another start.
  programs.started = () => utimesSync(join(folder, "office.name"), 0, 0);
  await upInVain(SOME, "did not say in");
  expect(mac.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  expect(leftovers()).toEqual([]);
});

test("a user's own route to an endpoint stays, and none is set to this machine", async () => {
  const own = { destination: ENDPOINT, gateway: "192.168.1.254", flags: "UGHS", device: "en0" };
  programs.routes.inet.push(own);
  const local = `${ALL}${peer(1, "127.0.0.1:51820", "10.9.0.0/16")}`;
  await up(local);
  expect(programs.changes.filter((line) => line.includes("-gateway"))).toEqual([]);
  await look(programs, "office");
  await down(local);
  expect(programs.present("inet")).toContainEqual(own);
});

test("a route that the system made from another is none of the user's", async () => {
  programs.routes.inet.push({ destination: ENDPOINT, gateway: GATEWAY, flags: "UGHWI", device: "en0" });
  programs.before = (line) => {
    // As the kernel does before it adds one.
    if (!line.startsWith(`route -q -n add -inet ${ENDPOINT}`)) return;
    programs.routes.inet = programs.routes.inet.filter(({ destination }) => destination !== ENDPOINT);
  };
  await up(ALL);
  expect(programs.changes).toContain(`route -q -n add -inet ${ENDPOINT} -gateway ${GATEWAY}`);
});

test("routes of older releases are read alike", async () => {
  programs.columns = "old";
  mac.configure("en0", { mtu: 1492 });
  await up(ALL);
  expect(routesOf("inet")).toContain(`${ENDPOINT} ${GATEWAY}`);
  expect(daemon!.utun.device.mtu).toBe(1412);
});

test("save keeps masks and what wg-quick's keys say, and no address that the system gave", async () => {
  const text = ALL.replace("fd07::1/64", "fd07::1/64, 10.9.9.9/32").replace("DNS", "MTU = 1280\nDNS");
  await up(text);
  const file = config(text);
  await saveConfig(quick(), { config: file, interfaceName: "utun2" });
  file.close();
  const saved = readFileSync(join(folder, "office.conf"), "utf8");
  expect(saved.match(/^(Address|DNS|MTU) = .*$/gm)).toEqual([
    "Address = 10.7.0.1/24",
    "Address = fd07::1/64",
    "Address = 10.9.9.9/32",
    "DNS = 10.7.0.53",
    "DNS = fd07::53",
    "DNS = corp.example",
    "MTU = 1280",
  ]);
  expect(saved).toContain(`Endpoint = ${ENDPOINT}:51820`);
});

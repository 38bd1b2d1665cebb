/** The tunnel's interface is as the kernel's own: silent, and with nothing but what somebody gave it. */
import { expect, test } from "vitest";
import { Daemon } from "./support/daemon.ts";
import { waitFor } from "./support/exec.ts";
import { subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { openDaemon, openTopology, openTunnel } from "./support/tunnel.ts";

const OWN_ADDRESSES = "/proc/sys/net/ipv6/conf/INTERFACE/addr_gen_mode";
const REDIRECTS = ["/proc/sys/net/ipv4/conf/all/send_redirects", "/proc/sys/net/ipv4/conf/INTERFACE/send_redirects"];

test("an interface that comes up makes no address, joins nothing and sends no redirects", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go leaves its device as TUN devices are");
  const { daemon, namespace } = await openDaemon(ctx, subject);
  const read = (path: string): Promise<string> => namespace.run(["cat", path.replace("INTERFACE", daemon.interface)]);
  expect(await read(OWN_ADDRESSES)).toBe("1\n");
  for (const path of REDIRECTS) expect(await read(path)).toBe("0\n");
  await namespace.run(["ip", "link", "set", daemon.interface, "down"]);
  await namespace.run(["ip", "link", "set", daemon.interface, "up"]);
  expect(await namespace.run(["ip", "-o", "addr", "show", "dev", daemon.interface])).toBe("");
  expect(await namespace.run(["ip", "link", "show", "dev", daemon.interface])).not.toMatch(/MULTICAST/);
  expect(daemon.log()).not.toMatch(/send_redirects|TUN/);
});

test("a tunnel that everything is routed into says nothing unprompted", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go leaves its device as TUN devices are");
  const pair = { name: "", near: subject, far: subject };
  const { near, far } = await openTunnel(ctx, pair);
  await near.daemon.wg("set", near.interface, "peer", far.keys.publicKey, "allowed-ips", "0.0.0.0/0,::/0");
  const sent = async (): Promise<number> => {
    const [link] = JSON.parse(await near.namespace.run(["ip", "-s", "-j", "link", "show", "dev", near.interface]));
    return link.stats64.tx.packets;
  };
  const before = await sent();
  await near.namespace.run(["ip", "link", "set", near.interface, "down"]);
  await near.namespace.run(["ip", "link", "set", near.interface, "up"]);
  // Router solicitations and reports of multicast groups come within a second or two of that.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(await sent()).toBe(before);
});

test("where sysctls cannot be written, one line says which, and the rest is done", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go leaves its device as TUN devices are");
  const topology = openTopology(ctx, subject);
  const namespace = await topology.namespace("hermit");
  const sealed = ["sh", "-c", 'mount -t proc proc /proc && mount -o remount,ro,bind /proc && exec "$@"', "sh"];
  const program = { ...wasmguardOnNode, command: ["unshare", "--mount", ...sealed, ...wasmguardOnNode.command] };
  const daemon = await Daemon.start(topology, namespace, program, "wgsealed");
  const lines = daemon.log().split("\n");
  expect(lines.filter((line) => /redirects|TUN/.test(line))).toEqual([
    expect.stringMatching(/send_redirects to 0: EROFS/),
  ]);
  const read = (path: string): Promise<string> => namespace.run(["cat", path.replace("INTERFACE", "wgsealed")]);
  expect(await read(OWN_ADDRESSES)).toBe("1\n");
  expect(await read(REDIRECTS[1]!)).toBe("0\n");
});

test("wireguard-go leaves its device as TUN devices are: it makes an address, joins groups and sends redirects", async (ctx) => {
  const { daemon, namespace } = await openDaemon(ctx, wireguardGo);
  await namespace.run(["ip", "link", "set", daemon.interface, "up"]);
  const addresses = () => namespace.run(["ip", "-o", "addr", "show", "dev", daemon.interface]);
  expect(await waitFor(async () => /fe80::/.test(await addresses()), 15_000)).toBe(true);
  expect(await namespace.run(["ip", "link", "show", "dev", daemon.interface])).toMatch(/MULTICAST/);
  for (const path of REDIRECTS) {
    expect(await namespace.run(["cat", path.replace("INTERFACE", daemon.interface)])).toBe("1\n");
  }
});

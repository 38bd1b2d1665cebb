/**
 * `wg-quick up FILE` and `down` with the program as its userspace implementation.
 */
import { chmodSync, existsSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { run, waitFor } from "./support/exec.ts";
import { pairs } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { reaches } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";
import { formatConfig } from "./support/wireguard.ts";

describe.each(pairs)("$name", (pair) => {
  test("up makes a working tunnel with addresses, MTU and routes; down removes all of it", async (ctx) => {
    requireLab(ctx, "wg-quick");
    // wg-quick prefers the kernel's own WireGuard, whatever the variable says.
    if (existsSync("/sys/module/wireguard")) cannotRun(ctx, "this kernel has WireGuard built in");
    const tunnel = await openTunnel(ctx, pair);
    const { near, far, topology } = tunnel;
    await near.daemon.crash();

    // The variable takes a command's name, without arguments.
    const wrapper = topology.file("userspace", `#!/bin/sh\nexec ${near.implementation.command.join(" ")} "$@"\n`);
    chmodSync(wrapper, 0o755);
    const marker = topology.file("post-up", "");
    const config = tunnel.config(near);
    const peers = [{ ...config.peers[0]!, allowedIps: [...far.allowedIps(), "10.77.0.0/16"] }];
    const interfaceLines = [
      `Address = ${near.inside("ipv4")}/32, ${near.inside("ipv6")}/128`,
      "MTU = 1380",
      `PostUp = echo %i >${marker}`,
    ];
    const text = formatConfig({ ...config, peers }).replace(
      "[Interface]\n",
      `[Interface]\n${interfaceLines.join("\n")}\n`,
    );
    const file = topology.file(`${near.interface}.conf`, text);
    const env = { WG_QUICK_USERSPACE_IMPLEMENTATION: wrapper, LOG_LEVEL: "error" };

    // Not through pipes: the daemon that wg-quick leaves behind would hold them.
    await near.namespace.run(["bash", "-c", `wg-quick up '${file}' >'${topology.directory}/up.log' 2>&1`], { env });
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    expect(await reaches(near.namespace, far.inside("ipv6"), 4000)).toBe(true);
    expect(await near.namespace.ip("link", "show", near.interface)).toContain("mtu 1380");
    expect(await near.namespace.ip("route", "show", "dev", near.interface)).toContain("10.77.0.0/16");
    expect(await run(["cat", marker])).toBe(`${basename(file, ".conf")}\n`);

    await near.namespace.run(["wg-quick", "down", file], { env });
    expect(await waitFor(() => near.daemon.interfaceIsGone(), 15_000)).toBe(true);
    expect(await waitFor(() => !existsSync(near.daemon.socket), 15_000)).toBe(true);
  });
});

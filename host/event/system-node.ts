/** Node, Deno and Bun: interfaces, UDP sockets, the resolver and files, by their node: modules. */
import { lookup } from "node:dns/promises";
import { DgramBind } from "./bind-dgram.ts";
import { readFileUpTo } from "./read-file.ts";
import type { System } from "./system.ts";
import { systemUptime } from "./uptime.ts";
import { systemZones } from "./zones.ts";

export const nodeSystem: System = {
  zones: systemZones,
  makeBind: () => new DgramBind(),
  makeDirectBind: async (core) => (await import("../direct/udp-bind.ts")).UdpBind.make(core),
  readiness: async () => (await import("../direct/doorbell.ts")).sharedDoorbell(),
  lookup: (host) => lookup(host, { all: true }),
  uptime: systemUptime,
  readFile: readFileUpTo,
};

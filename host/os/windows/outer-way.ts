/** Keeps the tunnel's datagrams out of the tunnel, whatever becomes of routes: looks where they lead, and tells the sockets which way to take. */
import type { Core } from "../../core/core.ts";
import { errorName } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { EndpointCheck } from "../endpoint-check.ts";
import type { Log } from "../machine.ts";
import { BestRoute, interfaceIndex } from "./best-route.ts";
import { type Family, familyOf } from "./inet-address.ts";
import { type Outer, outerInterface } from "./outer-interface.ts";
import type { Udp } from "./udp.ts";
import type { Wintun } from "./wintun.ts";

export interface OuterWayOptions {
  readonly core: Core;
  readonly win: Win32;
  readonly device: Pick<Wintun, "luid">;
  readonly udp: Pick<Udp, "leaveBy" | "way">;
  /** Sources that were learnt may lead elsewhere. */
  changed(): void;
  readonly log: Log;
}

export class OuterWay {
  readonly #options: OuterWayOptions;
  readonly #check: EndpointCheck;
  /** Once, for as long as it stays so. */
  readonly #told: Record<Family, string> = { 4: "", 6: "" };

  constructor(options: OuterWayOptions) {
    this.#options = options;
    const { core, win, device } = options;
    const routes = new BestRoute(win);
    this.#check = new EndpointCheck({
      core,
      routes: {
        ask: ({ to, interface: through }) => routes.ask({ to, interface: through || this.#index(familyOf(to)) }),
        close: () => {},
      },
      device: () => interfaceIndex(win, device.luid),
      mark: () => 0,
    });
  }

  #index(family: Family): number {
    const outer = this.#options.udp.way(family);
    return typeof outer === "number" ? outer : 0;
  }

  /** Addresses, routes or sockets changed, or may have: not every Windows tells of IPv6. What was refused is tried again. */
  look(): void {
    this.#check.news();
    for (const family of [4, 6] as const) this.#lookAt(family);
  }

  #lookAt(family: Family): void {
    const { win, device, udp, changed } = this.#options;
    const before = udp.way(family);
    let outer: Outer = "nowhere";
    let fault: string | undefined;
    try {
      outer = outerInterface(win, device.luid, family);
    } catch (error) {
      fault = `routes cannot be seen: ${error instanceof Error ? error.message : error}`;
    }
    const error = outer === before ? 0 : udp.leaveBy(family, outer);
    if (error !== 0) fault = `no interface can be chosen: ${errorName(error)}`;
    if (udp.way(family) !== before) changed();
    this.#tell(family, fault === undefined ? outer : { fault });
  }

  #tell(family: Family, news: Outer | { readonly fault: string }): void {
    const text = textOf(news);
    // Where routes lead is nothing new at first.
    const told = this.#told[family] || textOf("any");
    this.#told[family] = text;
    const isQuiet = news === "any" || typeof news === "number";
    if (text !== told) this.#options.log(isQuiet ? "verbose" : "error", `IPv${family}: ${text}`);
  }

  mayFollow(path: number): boolean {
    return this.#check.mayFollow(path);
  }
}

function textOf(news: Outer | { readonly fault: string }): string {
  if (typeof news === "object") return `nothing is sent outside, for ${news.fault}`;
  if (news === "nowhere") return "all routes lead into the tunnel, so nothing is sent outside";
  if (news === "any") return "datagrams leave where routes lead";
  return `the tunnel takes the default route, datagrams leave by interface ${news}`;
}

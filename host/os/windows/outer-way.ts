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
  readonly udp: Pick<Udp, "leaveBy">;
  /** Sources that were learnt may lead elsewhere. */
  changed(): void;
  readonly log: Log;
}

export class OuterWay {
  readonly #options: OuterWayOptions;
  readonly #check: EndpointCheck;
  readonly #outer: Record<Family, Outer> = { 4: "any", 6: "any" };
  #failed = false;

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
    const outer = this.#outer[family];
    return typeof outer === "number" ? outer : 0;
  }

  /** Addresses or routes changed, or may have: Windows tells of those of IPv4 alone. */
  look(): void {
    this.#check.news();
    try {
      for (const family of [4, 6] as const) this.#lookAt(family);
    } catch (error) {
      if (!this.#failed)
        this.#options.log("error", `routes cannot be seen: ${error instanceof Error ? error.message : error}`);
      this.#failed = true;
    }
  }

  #lookAt(family: Family): void {
    const { win, device, udp, changed, log } = this.#options;
    const outer = outerInterface(win, device.luid, family);
    if (outer === this.#outer[family]) return;
    this.#outer[family] = outer;
    const error = udp.leaveBy(family, outer);
    changed();
    if (error !== 0)
      log("error", `IPv${family}: nothing is sent outside, for no interface can be chosen: ${errorName(error)}`);
    else if (outer === "nowhere")
      log("error", `IPv${family}: all routes lead into the tunnel, so nothing is sent outside`);
    else if (outer === "any") log("verbose", `IPv${family}: datagrams leave where routes lead`);
    else log("verbose", `IPv${family}: the tunnel takes the default route, datagrams leave by interface ${outer}`);
  }

  mayFollow(path: number): boolean {
    return this.#check.mayFollow(path);
  }
}

/**
 * Whether a peer may be answered at an address that it owns inside the tunnel as well. With a mark that leads around the
 * tunnel, or a route of the endpoint's own, that is the usual case of a default route; where the route leads into the tunnel
 * itself, every answer would come back to be sealed once more. The latter happens when a host loses its outer address and the
 * system sends from the tunnel's own.
 */
import type { Core } from "../core/core.ts";
import { NotedPath, pathAddressAt, pathFamily, pathInterface, pathPort, pathScope } from "../core/records/path.ts";

interface RouteQuestion {
  readonly to: Uint8Array;
  readonly interface: number;
  readonly port: number;
  readonly mark: number;
}

/** Who knows the routes of this machine. */
export interface Routes {
  /**
   * Where packets to an address leave.
   * @param question `interface`: that they must leave through, 0 for any; a port and a mark where rules may ask for them
   * @returns the interface's index; undefined when there is no such route; "no answer" when that could not be found out
   */
  ask(question: RouteQuestion): { interface: number } | undefined | "no answer";
  close(): void;
}

export interface EndpointCheckOptions {
  readonly core: Core;
  readonly routes: Routes;
  /** Index of the tunnel's own interface; 0 while it is in another network namespace than the sockets. */
  device(): number;
  /** The mark that packets leave with. */
  mark(): number;
}

export class EndpointCheck {
  readonly #options: EndpointCheckOptions;
  /** The path that was asked about last, and the answer: one that is refused is offered again with every packet. */
  readonly #latest = new NotedPath();
  #latestAnswer = false;

  constructor(options: EndpointCheckOptions) {
    this.#options = options;
  }

  /** Addresses, routes or the mark changed. */
  news(): void {
    this.#latest.clear();
  }

  /** @param path what the peer's message came along; its address is one of the peer's allowed IPs */
  mayFollow(path: number): boolean {
    const { views } = this.#options.core;
    if (this.#latest.is(views, path)) return this.#latestAnswer;
    const answer = this.#leadsOutside(path);
    if (answer === "no answer") {
      // Not now; the next message along this path asks again.
      this.news();
      return false;
    }
    this.#latest.note(views, path);
    this.#latestAnswer = answer;
    return answer;
  }

  #leadsOutside(path: number): boolean | "no answer" {
    const { core, routes, device, mark } = this.#options;
    const own = device();
    if (own === 0) return true;
    // From its own address inside, and through the tunnel: it was this very peer's traffic.
    if (pathInterface(core.views, path) === own) return false;
    const at = pathAddressAt(path);
    const to = core.bytes.slice(at, at + (pathFamily(core.views, path) === 4 ? 4 : 16));
    const port = pathPort(core.views, path);
    const route = routes.ask({ to, interface: pathScope(core.views, path), port, mark: mark() });
    return route === "no answer" ? route : route?.interface !== own;
  }

  close(): void {
    this.#options.routes.close();
  }
}

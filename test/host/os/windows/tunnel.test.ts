/** When a tunnel looks where routes lead: whoever adds a default route asks it something first (host/cli/quick/windows). */
import { expect, it } from "vitest";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import type { Engine } from "../../../../host/engine/engine.ts";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import { REST_MS } from "../../../../host/os/burst.ts";
import { WindowsTunnel, type WindowsTunnelOptions } from "../../../../host/os/windows/tunnel.ts";
import { noise } from "../../../support/bytes.ts";
import { PipeStandIn } from "./support/pipe-stand-in.ts";
import { WinsockStandIn } from "./support/winsock-stand-in.ts";

const PIPE = 7;
/** A look at IPv4, and one at IPv6. */
const LOOK = 2;

/** One that serves, on a machine that tells of routes. */
function serving() {
  const pipes = new PipeStandIn();
  const { memory } = pipes;
  const views = viewsOf(memory);
  const view = new DataView(memory.buffer);
  const core = {
    ...{ memory, views, view, bytes: views.bytes, at: { ioControl: 65_536, uapiAreas: 131_072 } },
    wipe: () => undefined,
  };
  let tables = 0;
  const win = Object.assign(pipes.win, {
    ...{ base: 0n, scratch: { bytes: views.bytes, view, at: (position: number) => position } },
    sockets: { WSAStartup: () => 0 },
    network: {
      NotifyAddrChange: () => ERROR.ERROR_NOT_SUPPORTED,
      NotifyRouteChange: () => ERROR.ERROR_IO_PENDING,
      GetIpForwardTable2() {
        tables++;
        return ERROR.ERROR_NOT_FOUND;
      },
    },
  });
  const looks = () => tables / LOOK;
  const order: string[] = [];
  const nothing = () => undefined;
  const events = { mtu: nothing, cameUp: nothing, configuring: () => void order.push(`looks: ${looks()}`) };
  const options = { core, win, device: { readable: 1, luid: 1n }, events, pipes: [PIPE], log: nothing };
  const tunnel = new WindowsTunnel(options as unknown as WindowsTunnelOptions);
  const served: (() => void)[] = [];
  const add = (event: number, serve: () => void): void => {
    served.push(serve);
    pipes.waits.add(event, serve);
  };
  Object.assign(tunnel.waiting, { add });
  let cleared = 0;
  tunnel.serve({ clearSources: () => void cleared++ } as unknown as Engine, () => []);
  return { tunnel, pipes, order, looks, cleared: () => cleared, routesChange: served.at(-1)! };
}

it("a new client has it look", () => {
  const { pipes, order, looks } = serving();
  expect(looks()).toBe(1);
  pipes.complete(PIPE);
  expect(order).toEqual(["looks: 2"]);
});

it("changes of routes have it look and forget sources, a flood of them not without a rest", () => {
  const { tunnel, looks, cleared, routesChange } = serving();
  for (let now = 0; now < REST_MS; now++) {
    routesChange();
    expect(tunnel.nextDeadline()).toBe(now === 0 ? Number.NEGATIVE_INFINITY : REST_MS);
    tunnel.advance(now);
  }
  expect([looks(), cleared()]).toEqual([2, 1]);
  tunnel.advance(REST_MS);
  expect([looks(), cleared(), tunnel.nextDeadline()]).toEqual([3, 2, Number.POSITIVE_INFINITY]);
});

it.each([
  [{}, { coalesced: 65_527, segment: 100 }],
  [{ segmentation: false }, { coalesced: 65_527, segment: 0 }],
  [{ coalescing: false }, { coalesced: undefined, segment: 100 }],
])("its sockets send and ask for trains as it was told: %o", (udp, expected) => {
  const winsock = new WinsockStandIn();
  const { core, win } = winsock;
  const nothing = () => undefined;
  const options = {
    core,
    win,
    udp,
    device: { readable: 1 },
    events: { portChanged: nothing },
    pipes: [],
    log: nothing,
  };
  const tunnel = new WindowsTunnel(options as unknown as WindowsTunnelOptions);
  winsock.options.clear();
  tunnel.startSockets();
  tunnel.outside.send(winsock.fill({ bytes: noise(300, 1), segment: 100 }));
  expect({ coalesced: winsock.options.get("17/3"), segment: winsock.messages[0]?.segment }).toEqual(expected);
});

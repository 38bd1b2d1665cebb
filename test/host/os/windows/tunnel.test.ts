/** When a tunnel looks where routes lead: whoever adds a default route asks it something first (host/cli/quick/windows). */
import { expect, it } from "vitest";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import type { Engine } from "../../../../host/engine/engine.ts";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import { WindowsTunnel, type WindowsTunnelOptions } from "../../../../host/os/windows/tunnel.ts";
import { noise } from "../../../support/bytes.ts";
import { PipeStandIn } from "./support/pipe-stand-in.ts";
import { WinsockStandIn } from "./support/winsock-stand-in.ts";

const PIPE = 7;
/** A look at IPv4, and one at IPv6. */
const LOOK = 2;

it("a new client has it look", () => {
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
      NotifyRouteChange: () => ERROR.ERROR_NOT_SUPPORTED,
      GetIpForwardTable2() {
        tables++;
        return ERROR.ERROR_NOT_FOUND;
      },
    },
  });
  const order: string[] = [];
  const nothing = () => undefined;
  const events = { mtu: nothing, cameUp: nothing, configuring: () => void order.push(`looks: ${tables / LOOK}`) };
  const options = { core, win, device: { readable: 1, luid: 1n }, events, pipes: [PIPE], log: nothing };
  const tunnel = new WindowsTunnel(options as unknown as WindowsTunnelOptions);
  Object.assign(tunnel.waiting, { add: pipes.waits.add });
  tunnel.serve({ clearSources: nothing } as unknown as Engine, () => []);
  expect(tables).toBe(LOOK);
  pipes.complete(PIPE);
  expect(order).toEqual(["looks: 2"]);
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

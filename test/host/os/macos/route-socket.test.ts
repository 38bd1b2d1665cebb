// Whether an endpoint leads into the tunnel, asked of the stand-in's route socket, whose buffer is as small as xnu's.
import { beforeEach, expect, test } from "vitest";
import type { Core } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import { setPathInterface, writeEndpoint } from "../../../../host/core/records/path.ts";
import { ROUTE } from "../../../../host/ffi/darwin/constants.ts";
import { EndpointCheck } from "../../../../host/os/endpoint-check.ts";
import { RouteQuery } from "../../../../host/os/macos/route-socket.ts";
import { openStandIn } from "../../../support/darwin/library.ts";
import { Mac } from "../../../support/darwin/mac.ts";
import { Network } from "../../../support/darwin/network.ts";
import { Process } from "../../../support/darwin/process.ts";

const PATH = 4096;
const OUTSIDE = 4;
const TUNNEL = 7;
/** More than the buffer holds. */
const NEWS = 200;

let mac: Mac;
let ask: (network: readonly [number, number, number]) => boolean;
/** As of another peer than the one before: the answer is not remembered. */
let host: number;

beforeEach(() => {
  mac = new Mac(new Network(), { addresses: ["192.0.2.1"] });
  mac.routes.set("10.7.", TUNNEL);
  mac.routes.set("203.0.113.", 0);
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
  const views = viewsOf(memory);
  const check = new EndpointCheck({
    core: { views, bytes: views.bytes } as unknown as Core,
    routes: new RouteQuery(openStandIn(new Process(mac), memory, "aarch64")),
    device: () => TUNNEL,
    mark: () => 0,
  });
  host = 0;
  ask = (network) => {
    writeEndpoint(views, PATH, { address: Uint8Array.of(...network, host), port: 51_820, scope: 0 });
    setPathInterface(views, PATH, OUTSIDE);
    return check.mayFollow(PATH);
  };
});

const INSIDE = [10, 7, 0] as const;
const REACHED = [198, 51, 100] as const;
const UNREACHED = [203, 0, 113] as const;

test("what leads into the tunnel is not followed, the rest is, be there a route or none", () => {
  expect([ask(INSIDE), ask(REACHED), ask(UNREACHED)]).toEqual([false, true, true]);
});

test("however many news came since the last question", () => {
  for (host = 1; host <= 3; host++) {
    for (let i = 0; i < NEWS; i++) mac.tell(ROUTE.RTM_ADD, OUTSIDE);
    expect([ask(INSIDE), ask(REACHED)]).toEqual([false, true]);
  }
});

test("without an answer nothing is followed, and the next message asks again", () => {
  mac.routeAnswers = "lost";
  expect([ask(REACHED), ask(REACHED)]).toEqual([false, false]);
  mac.routeAnswers = "told";
  expect([ask(REACHED), ask(INSIDE)]).toEqual([true, false]);
});

test("what another process asked under the same number is not taken for the answer", () => {
  mac.routeAnswers = "after another's";
  expect([ask(INSIDE), ask(REACHED)]).toEqual([false, true]);
});

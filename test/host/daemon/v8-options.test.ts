// What V8 calls experimental is for those who ask for it: no option of V8's is touched by a daemon that was not started with `--wide-vectors`.
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { compileKernel, compileLadders } from "../../../host/daemon/wide-vectors.ts";
import { Mac } from "../../support/darwin/mac.ts";
import { Network } from "../../support/darwin/network.ts";
import { Daemon, newKeys } from "../os/macos/support/bed.ts";

const { touched } = vi.hoisted(() => ({ touched: vi.fn() }));
vi.mock("node:v8", async (original) => ({ ...(await original<object>()), setFlagsFromString: touched }));

const MANY_PEERS = 100;

beforeEach(() => {
  touched.mockClear();
});

test.each([compileKernel, compileLadders])(
  "who compiles a kernel touches them, and puts them back",
  async (compile) => {
    await compile();
    const set = touched.mock.calls.map(([option]) => String(option));
    expect(set.length).toBeGreaterThan(0);
    const turnedOn = set.slice(0, set.length / 2);
    expect(set.slice(set.length / 2)).toEqual(turnedOn.map((option) => option.replace("--", "--no-")));
  },
);

test.each([1, 2])("without the switch nobody does: %i threads, many peers", async (threads) => {
  const daemon = await Daemon.start(new Mac(new Network(), { addresses: ["192.0.2.1"] }), { threads });
  onTestFinished(() => daemon.stop());
  const peers = Array.from({ length: MANY_PEERS }, () => `public_key=${newKeys().public}`);
  expect(await daemon.set([`private_key=${newKeys().private}`, ...peers])).toBe(0);
  expect((await daemon.ask("get=1\n\n")).match(/^public_key=/gm)).toHaveLength(MANY_PEERS);
  // What a peer brings about may come in a later turn of the event loop; all modules that it would need were loaded above.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(touched).not.toHaveBeenCalled();
});

/** A network that closes: who waits for something inside of it is told so at once, and so is who asks it for something afterwards. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { generatePrivateKey, publicKeyOf } from "../../../host/library/device-keys.ts";
import type { Network } from "../../../host/network/network.ts";
import { networks } from "../../support/networks.ts";

const NOWHERE = "10.0.0.77";

/** A network whose peer never answers. */
async function lonely(): Promise<Network> {
  const peers = [
    { publicKey: publicKeyOf(generatePrivateKey()), allowedIps: ["10.0.0.0/24"], endpoint: "192.0.2.1:9" },
  ];
  return (await networks({ dns: ["10.0.0.53"], peers })).near;
}

/** @returns the code of what is thrown, or of its cause */
async function codeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    const { code, cause } = error as { code?: string; cause?: { code?: string } };
    return code ?? cause?.code;
  }
  return "nothing was thrown";
}

const CALLS: Record<string, (network: Network) => Promise<unknown>> = {
  ping: (network) => network.ping(NOWHERE),
  "ping by name": (network) => network.ping("away.internal"),
  open: (network) => network.open({ host: NOWHERE, port: 80 }),
  "open by name": (network) => network.open({ host: "away.internal", port: 80 }),
  fetch: (network) => network.fetch(`http://${NOWHERE}/`),
  resolve4: (network) => network.resolve4("away.internal"),
  ready: (network) => network.ready(),
  connect: async (network) => {
    const [error] = await once(network.connect(80, NOWHERE), "error");
    throw error;
  },
  lookup: (network) =>
    new Promise((resolve, reject) => {
      network.lookup("away.internal", (error, address) => (error === null ? resolve(address) : reject(error)));
    }),
};
const CODES: Record<string, string> = {
  "ping by name": "EAI_AGAIN",
  "open by name": "EAI_AGAIN",
  resolve4: "ECANCELLED",
  lookup: "EAI_AGAIN",
  ready: "CLOSED",
};

describe("while it closes", () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`ends ${name}`, async () => {
      const network = await lonely();
      const waiting = codeOf(() => call(network));
      // Beyond the first turn of the stack: the call has begun.
      await new Promise((resolve) => setTimeout(resolve, 20));
      await network.close();
      const cancelled = name === "open by name" ? ["EAI_AGAIN", "ENETDOWN"] : [CODES[name] ?? "ENETDOWN"];
      expect(cancelled).toContain(await waiting);
    });
  }
});

it("ends everything and wipes its keys also when something of the program's own cannot be ended", async () => {
  const network = await lonely();
  const boom = () => {
    throw new Error("boom");
  };
  const waiting = codeOf(() => network.open({ host: NOWHERE, port: 80 }));
  const unending: object[] = [network.createSocket("udp4"), network.connect(80, NOWHERE).on("error", () => {})];
  for (const one of unending) Object.assign(one, { destroy: boom });
  Object.defineProperty(
    network.connect(80, NOWHERE).on("error", () => {}),
    "connecting",
    { get: boom },
  );
  const last = network.createSocket("udp4");
  await expect(network.close()).rejects.toThrow("boom");
  expect([await waiting, await codeOf(async () => last.address())]).toEqual([
    "ENETDOWN",
    "ERR_SOCKET_DGRAM_NOT_RUNNING",
  ]);
  expect(() => network.publicKey).toThrow(expect.objectContaining({ code: "CLOSED" }));
  for (const one of unending) Reflect.deleteProperty(one, "destroy");
});

it("ends sockets that are not connected yet, for which a signal or a write waits", async () => {
  const network = await lonely();
  const { signal } = new AbortController();
  const socket = network.socket({ signal });
  const writer = network.socket();
  const written = new Promise((resolve) => writer.write("x", resolve));
  await network.close();
  expect(await written).toMatchObject({ code: "EPIPE" });
  expect([socket.destroyed, writer.destroyed]).toEqual([true, true]);
});

/** A signal that is never aborted, and how many listen to it. */
function listened(): { signal: AbortSignal; listeners(): number } {
  const listening = new Set<unknown>();
  const signal = Object.assign(new AbortController().signal, {
    addEventListener: (_type: string, listener: unknown) => void listening.add(listener),
    removeEventListener: (_type: string, listener: unknown) => void listening.delete(listener),
  });
  return { signal, listeners: () => listening.size };
}

describe("once it is closed", () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`refuses ${name}`, async () => {
      const network = await lonely();
      await network.close();
      expect(await codeOf(() => call(network))).toBe(CODES[name] ?? "ENETDOWN");
    });
  }

  it("ends sockets that would wait for a signal, at once", async () => {
    const network = await lonely();
    await network.close();
    const { signal, listeners } = listened();
    const refused = [network.socket({ signal }), network.connect({ host: NOWHERE, port: 80, signal })];
    const told = Promise.all(refused.map((socket) => once(socket, "error")));
    const closed = [...refused, network.createSocket({ signal })].map(
      (socket: NodeJS.EventEmitter) => new Promise<void>((resolve) => socket.once("close", resolve)),
    );
    const enetdown = [expect.objectContaining({ code: "ENETDOWN" })];
    expect(await told).toEqual([enetdown, enetdown]);
    await Promise.all(closed);
    expect(await codeOf(() => network.open({ host: NOWHERE, port: 80, signal }))).toBe("ENETDOWN");
    expect(await once(network.createServer().listen({ port: 80, signal }), "error")).toEqual(enetdown);
    expect(listeners()).toBe(0);
  });

  it("tells who writes to a socket of before", async () => {
    const network = await lonely();
    const socket = network.socket().on("error", () => {});
    await network.close();
    expect(await new Promise((resolve) => socket.write("x", resolve))).toMatchObject({ code: "ENETDOWN" });
    expect(socket.destroyed).toBe(true);
  });

  it("listens nowhere, and sends nothing", async () => {
    const network = await lonely();
    await network.close();
    const [refused] = await once(network.createServer().listen(80), "error");
    const [unbound] = await once(network.createSocket("udp4").bind(80), "error");
    const unsent = await new Promise<Error | null>((resolve) =>
      network.createSocket("udp4").send("x", 5, NOWHERE, (error: Error | null) => resolve(error)),
    );
    const codes = [refused, unbound, unsent].map((error) => (error as { code?: string } | null)?.code);
    expect(codes).toEqual(["ENETDOWN", "ENETDOWN", "ENETDOWN"]);
  });
});

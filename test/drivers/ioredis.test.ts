/** ioredis against Redis. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Network } from "../../host/network/network.ts";
import { HOST, reach } from "./support/reach.ts";
import { makeDirectory, type RunningServer, startServer } from "./support/server.ts";

let server: RunningServer;

beforeAll(async () => {
  // In Debian's redis-tools, which starts no service, the server has the name of the check of its files.
  const program = { command: "redis-check-rdb", argv0: "redis-server" };
  const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  server = await startServer(makeDirectory("redis"), (port) => ({
    ...program,
    args: ["--port", String(port), ...options],
  }));
});
afterAll(() => server?.stop());

/** What ioredis asks for its connections. */
function connectorOf(network: Network) {
  return class {
    firstError: Error | undefined;
    #socket: ReturnType<Network["connect"]> | undefined;

    check(): boolean {
      return true;
    }

    async connect() {
      this.#socket = network.connect({ host: HOST, port: server.port });
      return this.#socket;
    }

    disconnect(): void {
      this.#socket?.end();
    }
  };
}

describe("ioredis through a tunnel", () => {
  it("sets, gets, and sends a thousand commands in one pipeline", async () => {
    const redis = new Redis({ Connector: connectorOf(await reach(server.port)) });
    const value = Buffer.alloc(2_000_000, 7);
    await redis.set("large", value);
    expect((await redis.getBuffer("large")).equals(value)).toBe(true);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.incr("count");
    const answers = await pipeline.exec();
    expect(answers.at(-1)).toEqual([null, 1000]);
    await redis.quit();
  });

  it("subscribes, and connects again after it was thrown out", async () => {
    const network = await reach(server.port);
    const [redis, subscriber] = [1, 2].map(() => new Redis({ Connector: connectorOf(network) }));
    const heard = new Promise((resolve) => subscriber.once("message", (...message: unknown[]) => resolve(message)));
    await subscriber.subscribe("news");
    await redis.publish("news", "hello");
    expect(await heard).toEqual(["news", "hello"]);
    const again = new Promise((resolve) => subscriber.once("ready", resolve));
    await redis.client("KILL", "TYPE", "pubsub");
    await again;
    subscriber.disconnect();
    await redis.quit();
  });
});

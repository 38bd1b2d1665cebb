import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UapiSession } from "../../../host/uapi/uapi-session.ts";
import { World } from "./support/connection.ts";
import { codecOf } from "./support/hex-module.ts";
import { PEER_A, PEER_B, PRESHARED, PRIVATE } from "./support/keys.ts";

const OK = "errno=0\n\n";
let world: World;
beforeAll(async () => {
  world = await World.create({ inputBytes: 2048, outputBytes: 2048 });
});
beforeEach(() => world.reset());

describe("a connection", () => {
  it("carries several requests, also sent at once", () => {
    expect(world.ask("set=1\nlisten_port=1\n\nget=1\n\nset=1\nfwmark=7\n\nget=1\n\n")).toBe(
      `${OK}listen_port=1\n${OK}${OK}listen_port=1\nfwmark=7\n${OK}`,
    );
  });

  it("answers each request before the next one comes", () => {
    const connection = world.connect();
    for (const request of ["set=1\nlisten_port=1\n\n", "get=1\n\n", "set=1\n\n"]) connection.send(request);
    expect(connection.answers).toBe(`${OK}listen_port=1\n${OK}${OK}`);
    expect(connection.session.closed).toBe(false);
  });

  it("takes an empty set", () => expect(world.ask("set=1\n\n")).toBe(OK));

  it.each([
    "\n",
    "stop=1\n",
    "get=2\n\n",
    "set=2\n\n",
    "set=1\r\n\n",
    "GET=1\n\n",
    "get=1 \n\n",
    " get=1\n\n",
    "get\n",
    "HTTP\n",
  ])("with operation %j is closed unanswered", (request) => {
    const connection = world.connect();
    connection.send(request);
    expect(connection.answers).toBe("");
    expect(connection.session.closed).toBe(true);
    expect(connection.session.inputRoom().length).toBe(0);
    expect(world.areasAreWiped()).toBe(true);
  });

  it("answers a get with a byte before the blank line with a positive errno, and reads on after that byte", () => {
    const connection = world.connect();
    connection.send("get=1\nx");
    expect(connection.answers).toBe("errno=22\n\n");
    connection.send("get=1\n\n");
    expect(connection.answers).toBe(`errno=22\n\n${OK}`);
    connection.send("get=1\nfoo=1\n\n");
    expect(connection.answers).toBe(`errno=22\n\n${OK}errno=22\n\n`);
    expect(connection.session.closed).toBe(true);
  });

  it("waits for what completes a line", () => {
    const connection = world.connect();
    for (const char of `set=1\nlisten_port=7\npublic_key=${PEER_A}\nallowed_ip=10.0.0.0/8\n\nget=1\n\n`) {
      connection.send(char);
    }
    expect(connection.answers).toContain(`public_key=${PEER_A}\n`);
    expect(connection.answers.endsWith(`allowed_ip=10.0.0.0/8\n${OK}`)).toBe(true);
  });

  it("that ends without a request is closed unanswered", () => {
    for (const request of ["", "g", "get=1", "get=1\n", "set=1"]) {
      const connection = world.connect();
      connection.send(request);
      connection.end();
      expect([connection.answers, connection.session.closed], request).toEqual(["", true]);
      expect(world.areasAreWiped()).toBe(true);
    }
  });

  it("that ends in a set gets its answer, the last line applied with or without LF", () => {
    expect(world.ask(`set=1\npublic_key=${PEER_A}\npersistent_keepalive_interval=9\n`)).toBe(OK);
    expect(world.ask(`set=1\npublic_key=${PEER_B}\npersistent_keepalive_interval=8`)).toBe(OK);
    expect([...world.target.peers()].map(({ keepalive }) => keepalive)).toEqual([9, 8]);
    expect(world.target.events.slice(-1)).toEqual(["commit 5840"]);
    expect(world.ask("set=1\nlisten_port=x")).toBe("errno=-22\n\n");
  });

  it("whose client sends no more still gets the answers it is owed", () => {
    world.ask(`set=1\n${[PEER_A, PEER_B].map((key) => `public_key=${key}\n`).join("")}\n`);
    const connection = world.connect();
    const { address } = connection.session.inputRoom();
    new Uint8Array(world.memory.buffer).set(Buffer.from("get=1\n\nset=1\nlisten_port=9\n"), address);
    connection.session.received(27);
    connection.session.end();
    expect(connection.session.closed).toBe(false);
    connection.drain();
    expect(connection.answers).toMatch(/interval=0\nerrno=0\n\nerrno=0\n\n$/);
    expect(connection.session.closed).toBe(true);
    expect(world.target.port).toBe(9);
  });

  it("that breaks off in a set leaves no trace of the line it was in", () => {
    const connection = world.connect();
    connection.send(`set=1\nprivate_key=${PRIVATE.slice(0, 50)}`);
    expect(world.areasAreWiped()).toBe(false);
    connection.session.destroy();
    expect(world.areasAreWiped()).toBe(true);
    expect(connection.session.closed).toBe(true);
    expect(connection.session.inputRoom().length).toBe(0);
    expect(connection.session.output().length).toBe(0);
  });

  it("with a line longer than the input area answers EINVAL and is closed", () => {
    const connection = world.connect();
    connection.send(`set=1\nendpoint=${"1".repeat(4000)}`);
    expect(connection.answers).toBe("errno=-22\n\n");
    expect(connection.session.closed).toBe(true);
    const other = world.connect();
    other.send("s".repeat(4000));
    expect([other.answers, other.session.closed]).toEqual(["", true]);
  });

  it("takes a line that just fits the input area", () => {
    const line = `listen_port=${"0".repeat(world.input.length - 14)}7\n`;
    expect(line.length).toBe(world.input.length);
    expect(world.ask(`set=1\nlisten_port=1\n${line}\n`)).toBe(OK);
    expect(world.target.port).toBe(7);
    expect(world.ask(`set=1\nlisten_port=0${line.slice(12)}\n`)).toBe("errno=-22\n\n");
  });
});

describe("areas", () => {
  it("take no input while output waits", () => {
    const connection = world.connect();
    const { address } = connection.session.inputRoom();
    new Uint8Array(world.memory.buffer).set(Buffer.from("get=1\n\nget=1\n\n"), address);
    connection.session.received(14);
    expect(connection.session.inputRoom().length).toBe(0);
    connection.readPiece();
    expect(connection.answers).toBe(OK);
    expect(connection.session.inputRoom().length).toBe(0);
    connection.readPiece();
    expect(connection.answers).toBe(OK + OK);
    expect(connection.session.inputRoom().length).toBe(world.input.length);
  });

  it("are wiped as they are used up", () => {
    const connection = world.connect();
    connection.send(`set=1\nprivate_key=${PRIVATE}\npublic_key=${PEER_A}\npreshared_key=${PRESHARED}\n`);
    expect(world.areasAreWiped()).toBe(true);
    connection.send("\nget=1\n\n");
    expect(connection.answers).toContain(`private_key=${PRIVATE}\n`);
    expect(connection.answers).toContain(`preshared_key=${PRESHARED}\n`);
    expect(world.areasAreWiped()).toBe(true);
  });

  it.each(["whole", "two bytes at a time"])(
    "hold no key after %s delivery, whatever becomes of its line",
    (delivery) => {
      const requests = [
        `set=1\nprivate_key=${PRIVATE}\npublic_key=${PEER_A}\npreshared_key=${PRESHARED}\n\nget=1\n\n`,
        `set=1\npublic_key=${PEER_A}\nprivate_key=${PRIVATE}\n`,
        `set=1\npreshared_key=${PRESHARED}\nprivate_key=${PRIVATE}\n\n`,
        `${PRIVATE}${PRESHARED}\n`,
        `get=1\n${PRIVATE}\n${PRESHARED}`,
        `set=1\nprivate_key=${PRIVATE}`,
        `set=1\nprivate_key=${PRIVATE}${PRESHARED}\n`,
        `set=1\n${PRIVATE}\n${PRESHARED}\n`,
      ];
      for (const request of requests) {
        const connection = world.connect();
        if (delivery !== "whole") connection.pieceBytes = 2;
        connection.send(request);
        connection.session.destroy();
        for (const key of [PRIVATE, PRESHARED]) {
          expect(world.strayCopies(Buffer.from(key, "hex")), request).toEqual([]);
          expect(world.strayCopies(Buffer.from(key.slice(0, 16))), request).toEqual([]);
          expect(world.strayCopies(Buffer.from(key, "hex").subarray(0, 8)), request).toEqual([]);
        }
      }
    },
  );

  it("refuse counts that cannot be", () => {
    const session = world.session();
    for (const count of [-1, world.input.length + 1, Number.NaN]) {
      expect(() => session.received(count)).toThrow(RangeError);
    }
    expect(() => session.written(1)).toThrow(RangeError);
    const { memory, output, target, hex } = world;
    const input = { address: 0, length: 100 };
    expect(() => new UapiSession({ memory, input, output, target, codec: codecOf(hex) })).toThrow(RangeError);
  });
});

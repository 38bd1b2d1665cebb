/** The control pipe's server, where the last error is not what the call left, and where a place is lost. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Core } from "../../../../host/core/core.ts";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import type { Areas } from "../../../../host/os/windows/areas.ts";
import { PipeServer, type PipeServerOptions } from "../../../../host/os/windows/pipe-server.ts";
import { PipeStandIn } from "./support/pipe-stand-in.ts";

const UAPI_AREAS = 4096;
/** Longer than an idle client may stay. */
const LATER_MS = 60_000;
/** The same, and before a place that is lost is tried again. */
const IDLE_MS = 2_500;
/** What V8 left behind when it wanted pages at an address that was taken. */
const ERROR_INVALID_ADDRESS = 487;

let pipes: PipeStandIn;
let errors: string[];

beforeEach(() => {
  pipes = new PipeStandIn();
  errors = [];
});

function open(handles: readonly number[]): PipeServer {
  let end = 16;
  const bytes = new Uint8Array(pipes.memory.buffer);
  const options: Partial<PipeServerOptions> = {
    core: {
      memory: pipes.memory,
      at: { uapiAreas: UAPI_AREAS },
      wipe: (at: number, length: number) => bytes.fill(0, at, at + length),
    } as unknown as Core,
    win: pipes.win,
    areas: {
      take: (length: number) => {
        end += 64;
        return end - length;
      },
    } as unknown as Areas,
    waits: pipes.waits as unknown as PipeServerOptions["waits"],
    handles,
    statistics: () => [],
    configuring: () => undefined,
    log: (level, message) => void (level === "error" && errors.push(message)),
  };
  return new PipeServer(options as PipeServerOptions);
}

describe.each([0, ERROR_INVALID_ADDRESS, ERROR.ERROR_NO_DATA])("error %i, when an operation is under way", (error) => {
  it("a client comes to the place that waits for it all the same", () => {
    pipes.misread = error;
    const server = open([1]);
    pipes.complete(1);
    expect(server.nextDeadline()).toBeLessThan(LATER_MS * 1000);
    expect(errors).toEqual([]);
    server.close();
    expect(pipes.pipe(1).overlapped).toBeUndefined();
  });

  it("a place whose read is under way is not used again before that has ended", () => {
    const server = open([1]);
    pipes.misread = error;
    pipes.complete(1);
    // It waits for another client, and gets one.
    pipes.complete(1);
    pipes.complete(1, 4);
    expect(errors).toEqual([]);
    server.close();
    expect(pipes.pipe(1).overlapped).toBeUndefined();
  });

  it("an event that was spent already does not end it", () => {
    const server = open([1]);
    const overlapped = pipes.pipe(1).overlapped!;
    pipes.misread = error;
    pipes.signal(overlapped);
    expect(pipes.pipe(1).overlapped).toBe(overlapped);
    expect(pipes.connects).toBe(1);
    server.close();
  });
});

it("a client that has gone at once makes room, and nobody waits for its read", () => {
  pipes.pipe(1).client = "early";
  const server = open([1]);
  pipes.pipe(1).client = "left";
  pipes.complete(1, 4);
  server.close();
  expect(errors).toEqual([]);
});

describe("a place that is lost", () => {
  const LOST = /a place for clients is lost: ConnectNamedPipe: ERROR_NOT_SUPPORTED/;
  let server: PipeServer;

  /** Both places have a client, and Windows has none for the one that makes room. */
  beforeEach(() => {
    server = open([1, 2]);
    pipes.complete(1);
    pipes.complete(2);
    pipes.connectFails = ERROR.ERROR_NOT_SUPPORTED;
    server.advance(performance.now() + IDLE_MS);
  });

  it("does not keep idle clients in the others", () => {
    expect(errors).toEqual([expect.stringMatching(LOST)]);
    pipes.connectFails = undefined;
    server.advance(performance.now() + IDLE_MS);
    expect(pipes.pipe(2).client).toBe("none");
    server.close();
  });

  it("is tried again later, and takes clients once Windows lets it; nothing is told twice", () => {
    for (let attempt = 0; attempt < 2; attempt++) server.advance(performance.now() + LATER_MS);
    expect(errors).toHaveLength(2);
    pipes.connectFails = undefined;
    expect(server.nextDeadline()).toBeLessThan(Number.POSITIVE_INFINITY);
    server.advance(performance.now() + LATER_MS);
    pipes.complete(1);
    expect(pipes.pipe(1).client).toBe("there");
    server.close();
  });
});

it("where all places are lost they are tried again, not at once", () => {
  pipes.connectFails = ERROR.ERROR_NOT_SUPPORTED;
  const server = open([1, 2]);
  const { connects } = pipes;
  server.advance(performance.now());
  expect(pipes.connects).toBe(connects);
  pipes.connectFails = undefined;
  server.advance(server.nextDeadline());
  expect(pipes.connects).toBe(connects + 2);
  expect(server.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  server.close();
});

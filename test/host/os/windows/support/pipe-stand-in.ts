/**
 * Named pipes of Windows for one server, in memory, as strict as it gets: an OVERLAPPED whose operation is under way may not be used again, and
 * nobody may wait for one that never began. What fails at once leaves STATUS_PENDING in its OVERLAPPED, as the I/O manager does.
 */
import { ERROR, KERNEL } from "../../../../../host/ffi/windows/constants.ts";
import { OVERLAPPED } from "../../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../../host/ffi/windows/win32.ts";

const STATUS_CANCELLED = 0xc0000120;

interface Pipe {
  /** Whether a client is at the other end, and how it came: "early", before the server waited for it. */
  client: "none" | "early" | "there" | "left";
  /** The operation that is under way. */
  overlapped: number | undefined;
}

export class PipeStandIn {
  readonly memory = new WebAssembly.Memory({ initial: 20 });
  /** What GetLastError says next, instead of the truth. */
  misread: number | undefined;
  /** Each wait for a client fails with this. */
  connectFails: number | undefined;
  connects = 0;
  readonly #view = new DataView(this.memory.buffer);
  readonly #pipes = new Map<number, Pipe>();
  readonly #served = new Map<number, () => void>();
  #events = 100;
  #lastError = 0;

  pipe(handle: number): Pipe {
    const known = this.#pipes.get(handle) ?? { client: "none", overlapped: undefined };
    this.#pipes.set(handle, known);
    return known;
  }

  /** @returns what a WaitSet needs to have */
  readonly waits = { add: (event: number, serve: () => void) => void this.#served.set(event, serve) };

  /** A client comes, or its bytes do: the operation that is under way ends. */
  complete(handle: number, bytes = 0): void {
    const pipe = this.pipe(handle);
    if (pipe.client !== "there") pipe.client = "there";
    this.#end(pipe, 0, bytes);
  }

  #end(pipe: Pipe, status: number, bytes: number): void {
    const { overlapped } = pipe;
    if (overlapped === undefined) throw new Error("nothing is under way");
    pipe.overlapped = undefined;
    this.#view.setUint32(overlapped + OVERLAPPED.status, status, true);
    this.#view.setUint32(overlapped + 8, bytes, true);
    this.signal(overlapped);
  }

  /** The event of an operation is served, for whatever reason. */
  signal(overlapped: number): void {
    this.#served.get(Number(this.#view.getBigUint64(overlapped + OVERLAPPED.event, true)))?.();
  }

  #begin(handle: number, overlapped: number, failure: number | undefined): number {
    const pipe = this.pipe(handle);
    if (pipe.overlapped !== undefined) throw new Error("an operation is under way still");
    this.#view.setUint32(overlapped + OVERLAPPED.status, KERNEL.STATUS_PENDING, true);
    this.#lastError = failure ?? ERROR.ERROR_IO_PENDING;
    if (failure === undefined) pipe.overlapped = overlapped;
    return 0;
  }

  readonly win = this.#win();

  #win(): Win32 {
    const standIn = this;
    const transfer = (handle: number, _at: number, _length: number, _done: number, overlapped: number) =>
      this.#begin(handle, overlapped, this.pipe(handle).client === "left" ? ERROR.ERROR_BROKEN_PIPE : undefined);
    return {
      memory: this.memory,
      makeEvent: () => this.#events++,
      get lastError() {
        const error = standIn.misread ?? standIn.#lastError;
        standIn.misread = undefined;
        return error;
      },
      kernel: {
        ConnectNamedPipe: (handle: number, overlapped: number) => {
          this.connects++;
          const pipe = this.pipe(handle);
          const early = pipe.client === "early" ? ERROR.ERROR_PIPE_CONNECTED : undefined;
          if (early !== undefined) pipe.client = "there";
          return this.#begin(handle, overlapped, this.connectFails ?? early);
        },
        ReadFile: transfer,
        WriteFile: transfer,
        CancelIoEx: (handle: number, overlapped: number) => {
          const pipe = this.pipe(handle);
          if (pipe.overlapped !== overlapped) return 0;
          pipe.overlapped = undefined;
          this.#view.setUint32(overlapped + OVERLAPPED.status, STATUS_CANCELLED, true);
          return 1;
        },
        GetOverlappedResult: (_handle: number, overlapped: number, count: number, wait: number) => {
          const status = this.#view.getUint32(overlapped + OVERLAPPED.status, true);
          if (status === KERNEL.STATUS_PENDING && wait !== 0) throw new Error("waits for ever");
          this.#lastError = status === KERNEL.STATUS_PENDING ? 996 : ERROR.ERROR_OPERATION_ABORTED;
          this.#view.setUint32(count, this.#view.getUint32(overlapped + 8, true), true);
          return status === 0 ? 1 : 0;
        },
        DisconnectNamedPipe: (handle: number) => {
          const pipe = this.pipe(handle);
          if (pipe.overlapped !== undefined) throw new Error("disconnected while an operation is under way");
          pipe.client = "none";
          return 1;
        },
        CloseHandle: () => 1,
      },
    } as unknown as Win32;
  }
}

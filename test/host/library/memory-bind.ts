/** A Bind without sockets: what is sent is kept, and what comes is put in by the test. */
import type { Bind, BindEvents, Endpoint } from "../../../host/index.ts";

export class MemoryBind implements Bind {
  readonly sent: { readonly bytes: Uint8Array; readonly to: Endpoint }[] = [];
  events: BindEvents | undefined;
  /** What `send` answers; an Error is thrown. */
  answer: boolean | Error = true;
  closed = 0;

  open(port: number, events: BindEvents): number {
    this.events = events;
    return port === 0 ? 4000 : port;
  }

  send(bytes: Uint8Array, to: Endpoint): boolean {
    if (this.answer instanceof Error) throw this.answer;
    this.sent.push({ bytes, to });
    return this.answer;
  }

  close(): void {
    this.closed += 1;
    this.events = undefined;
  }
}

export function endpoint(port: number): Endpoint {
  return { address: Uint8Array.of(192, 0, 2, 1), port, scope: 0 };
}

/** Let every turn that is due run: handshake messages are answered 16 at a time. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

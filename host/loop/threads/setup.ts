/** What thread 0 hands a worker when it starts, and what the worker answers. */
import type { Attachment } from "../../core/load.ts";
import type { UdpOptions } from "../../os/linux/udp.ts";
import type { ChannelMemory } from "./channel.ts";

export interface WorkerSetup extends Attachment {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** For its core, if thread 0's has it. */
  readonly wideKernel: WebAssembly.Module | undefined;
  readonly control: SharedArrayBuffer;
  readonly channel: ChannelMemory;
  /** Its queue of the TUN device. */
  readonly tun: number;
  readonly vnetHeader: boolean;
  /** Microseconds to look for a packet after one, before sleeping. */
  readonly busyPoll: number;
  /** eventfds that wake the threads, by number: this one, too. */
  readonly wakes: readonly number[];
  /** Whether it helps others with their packets. */
  readonly idle: "helps" | "sleeps";
  readonly udp: Pick<UdpOptions, "segmentation" | "coalescing">;
}

export interface WorkerReady {
  /** Its epoll descriptor, which thread 0 adds UDP sockets to. */
  readonly epoll: number;
  /** Its area for the kernel's structs. */
  readonly ioControl: number;
  readonly rxBuffers: number;
  /** What it seals and opens with: its own code where the kernel that it was given did not pass its check. */
  readonly kernel: "given" | "own";
}

export const TOKEN = { tun: 1, udp4: 2, udp6: 3, wake: 4 } as const;

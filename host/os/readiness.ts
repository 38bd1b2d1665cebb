/**
 * Waiting for descriptors beside those of packets: what each system has of the kind (epoll, kqueue) as who waits sees it. The numbers are epoll's own.
 */
export const READABLE = 0x1;
export const WRITABLE = 0x4;
/** Always reported, whether asked for or not. */
export const FAILED = 0x18;

export interface Readiness {
  /** @param events READABLE | WRITABLE, level-triggered; READABLE by default  @throws SystemError */
  add(fd: number, token: number, events?: number): void;
  /** @param events 0 for none  @throws SystemError */
  modify(fd: number, token: number, events: number): void;
  /** Before `fd` is closed. A descriptor that is not there is no error. */
  remove(fd: number): void;
}

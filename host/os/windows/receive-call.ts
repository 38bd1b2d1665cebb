/**
 * WSARecvMsg, which tells at which address a datagram came in. No DLL exports it: Winsock hands out its address, and node:ffi calls functions by
 * name only. So it is called by DispCallFunc of Automation, which calls any address with arguments out of VARIANTs; those lie in linear memory
 * and, but for the socket, never change.
 */
import type { Address } from "../../core/core.ts";
import { AUTOMATION, ERROR, SOCKET, WSARECVMSG_ID } from "../../ffi/windows/constants.ts";
import { VARIANT } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import type { Areas } from "./areas.ts";

/** WSARecvMsg(socket, message, &received, NULL, NULL) */
const ARGUMENTS = 5;
const NO_INSTANCE = 0n;

export class ReceiveCall {
  readonly #win: Win32;
  readonly #view: DataView;
  readonly #types: Address;
  readonly #variants: Address;
  readonly #pointers: Address;
  readonly #result: Address;
  readonly #received: Address;
  #function = 0n;

  /** @param message offset of the WSAMSG that it fills */
  constructor(win: Win32, areas: Areas, message: Address) {
    this.#win = win;
    this.#view = new DataView(win.memory.buffer);
    this.#types = areas.take(2 * ARGUMENTS);
    this.#variants = areas.take(VARIANT.BYTES * ARGUMENTS);
    this.#pointers = areas.take(8 * ARGUMENTS);
    this.#result = areas.take(VARIANT.BYTES);
    this.#received = areas.take(4);
    for (let i = 0; i < ARGUMENTS; i++) {
      const variant = this.#variants + VARIANT.BYTES * i;
      this.#view.setUint16(this.#types + 2 * i, AUTOMATION.VT_I8, true);
      this.#view.setUint16(variant + VARIANT.type, AUTOMATION.VT_I8, true);
      this.#view.setBigUint64(this.#pointers + 8 * i, win.base + BigInt(variant), true);
    }
    this.#setArgument(1, win.base + BigInt(message));
    this.#setArgument(2, win.base + BigInt(this.#received));
  }

  #setArgument(index: number, value: bigint): void {
    this.#view.setBigUint64(this.#variants + VARIANT.BYTES * index + VARIANT.value, value, true);
  }

  /** Which function it is, by any socket that there is. @throws WindowsError */
  ask(socket: number): void {
    if (this.#function !== 0n) return;
    const { bytes, view, at } = this.#win.scratch;
    bytes.set(WSARECVMSG_ID);
    const code = SOCKET.SIO_GET_EXTENSION_FUNCTION_POINTER;
    const failed = this.#win.sockets.WSAIoctl(socket, code, at(0), WSARECVMSG_ID.length, at(16), 8, at(24), 0, 0);
    if (failed !== 0) throw new WindowsError("WSAIoctl", this.#win.sockets.WSAGetLastError(), "WSARecvMsg");
    this.#function = view.getBigUint64(16, true);
  }

  /** Take one message, without waiting. @returns its bytes, or −error */
  receive(socket: number): number {
    this.#setArgument(0, BigInt(socket));
    const [calling, returned] = [AUTOMATION.CC_STDCALL, AUTOMATION.VT_I4];
    const call = this.#win.automation.DispCallFunc;
    const outcome = call(
      NO_INSTANCE,
      this.#function,
      calling,
      returned,
      ARGUMENTS,
      this.#types,
      this.#pointers,
      this.#result,
    );
    // Nothing was called, and the result is that of the call before.
    if (outcome !== 0) return -ERROR.WSAEINVAL;
    // Where the runtime has called Windows since, its error is lost: 0 would be a datagram of no bytes.
    if (this.#view.getInt32(this.#result + VARIANT.value, true) !== 0)
      return -(this.#win.sockets.WSAGetLastError() || ERROR.WSAEINVAL);
    return this.#view.getUint32(this.#received, true);
  }
}

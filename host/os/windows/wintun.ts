/**
 * A network interface by wintun.dll (https://www.wintun.net, wintun.h): the DLL brings a driver, which it installs for administrators, and
 * a ring in each direction between it and us. Interface and driver last as long as the process.
 */
import { existsSync, realpathSync } from "node:fs";
import { win32 as windowsPath } from "node:path";
import type { Address } from "../../core/core.ts";
import { ERROR, errorName, KERNEL } from "../../ffi/windows/constants.ts";
import { FILE_SIGNATURES } from "../../ffi/windows/file-signatures.ts";
import type { Win32, WintunCalls } from "../../ffi/windows/win32.ts";
import {
  AdministratorError,
  WindowsError,
  WintunMissingError,
  WintunSignatureError,
  WintunUnusableError,
} from "../../ffi/windows/windows-errors.ts";
import type { DeviceRequest, DriverLibrary, TunDevice } from "../machine.ts";
import { signatureOf } from "./dll-signature.ts";
import { versionOf } from "./dll-version.ts";

const FILE = "wintun.dll";
/** What `netsh` and the other programs of WireGuard call such interfaces. */
const TUNNEL_TYPE = "WireGuard";
/** Bytes of each ring: a power of two from 128 KiB to 64 MiB. */
const RING_BYTES = 0x800000;
/** Where the second of two names lies in the scratch buffer. */
const SECOND_AT = 1024;

/** What CreateFileW returns for none. */
const INVALID_HANDLE = -1;

/** What the file may lack, or be, when it is loaded. */
const UNUSABLE: Readonly<Record<number, string>> = {
  [ERROR.ERROR_BAD_EXE_FORMAT]: "is no DLL for this processor",
  [ERROR.ERROR_MOD_NOT_FOUND]: "needs a DLL that Windows does not have",
};

/** Beside the program: its script, or what runs it. Never where the current folder or PATH leads. */
function placesBesideProgram(): string[] {
  const script = process.argv[1];
  const folders = [...(script === undefined ? [] : [realpathSync(script)]), process.execPath].map(windowsPath.dirname);
  return [...new Set(folders)].map((folder) => windowsPath.join(folder, FILE));
}

/** Where it is looked for, in this order. @param driver without a file, one beside the program */
export function wintunPlaces(driver: DriverLibrary | undefined): string[] {
  return driver?.file === undefined ? placesBesideProgram() : [driver.file];
}

/**
 * @param driver of a request: without a file, one beside the program
 * @throws WintunMissingError, WintunSignatureError, WintunUnusableError
 */
export function loadWintun(win: Win32, { driver, log }: Pick<DeviceRequest, "driver" | "log">): WintunCalls {
  const places = wintunPlaces(driver);
  const path = places.find((place) => existsSync(place));
  if (path === undefined) throw new WintunMissingError(places);
  // Windows loads "wintun.dll" for "wintun": another file than the one whose signature is looked at.
  if (!/\.dll$/i.test(path)) throw new WintunUnusableError(path, "does not end in .dll");
  const version = versionOf(win, path);
  const named = version === undefined ? path : `${path} (version ${version})`;
  // While it is open so, nobody puts another in the place of the one whose signature was looked at.
  const { CreateFileW } = win.system("kernel32.dll", FILE_SIGNATURES);
  const handle = CreateFileW(
    win.text(path),
    KERNEL.GENERIC_READ,
    KERNEL.FILE_SHARE_READ,
    0n,
    KERNEL.OPEN_EXISTING,
    0,
    0n,
  );
  if (handle === INVALID_HANDLE) throw new WintunUnusableError(named, `cannot be read (${errorName(win.lastError)})`);
  try {
    const signature = signatureOf(win, path, handle);
    if (typeof signature === "object") throw new WintunSignatureError(named, signature.fault);
    if (signature === "none") {
      const otherwise = "; or take it as it is: --allow-unsigned-wintun";
      if (driver?.unsigned !== "taken") throw new WintunSignatureError(named, "is not signed", otherwise);
      log("error", `${named} is not signed: it is taken as it is, as --allow-unsigned-wintun has it`);
    }
    if (signature === "trusted") log("verbose", `${named}: its signature is good`);
    return load(win, path, named);
  } finally {
    win.kernel.CloseHandle(handle);
  }
}

/** @param named for messages @throws WintunUnusableError */
function load(win: Win32, path: string, named: string): WintunCalls {
  // What it imports is taken from the system's own folder alone.
  if (win.kernel.LoadLibraryExW(win.text(path), 0, KERNEL.LOAD_LIBRARY_SEARCH_SYSTEM32) === 0) {
    const error = win.lastError;
    const why = UNUSABLE[error] ?? `cannot be loaded (${errorName(error)})`;
    throw new WintunUnusableError(named, why, new WindowsError("LoadLibraryExW", error, path));
  }
  try {
    return win.wintun(path);
  } catch (cause) {
    throw new WintunUnusableError(named, "is no wintun.dll: functions are missing", cause);
  }
}

/** @throws AdministratorError, WindowsError */
export function openWintun(win: Win32, calls: WintunCalls, name: string): Wintun {
  const adapter = calls.WintunCreateAdapter(win.text(name), win.text(TUNNEL_TYPE, SECOND_AT), 0);
  if (adapter === 0n) throw refusal(new WindowsError("WintunCreateAdapter", win.lastError, name));
  const session = calls.WintunStartSession(adapter, RING_BYTES);
  if (session !== 0n) return new Wintun(win, calls, name, adapter, session);
  const error = new WindowsError("WintunStartSession", win.lastError, name);
  calls.WintunCloseAdapter(adapter);
  throw refusal(error);
}

function refusal(error: WindowsError): Error {
  return error.number === ERROR.ERROR_ACCESS_DENIED ? new AdministratorError("make network interfaces", error) : error;
}

export class Wintun implements TunDevice {
  readonly name: string;
  /** Packets come and go singly, without a header. */
  readonly vnetHeader = false;
  readonly tcpOffload = false;
  readonly udpOffload = false;
  /** Signalled when packets wait that did not before. */
  readonly readable: number;
  readonly #win: Win32;
  readonly #calls: WintunCalls;
  readonly #adapter: bigint;
  readonly #session: bigint;

  /** Use openWintun. */
  constructor(win: Win32, calls: WintunCalls, name: string, adapter: bigint, session: bigint) {
    this.#win = win;
    this.#calls = calls;
    this.name = name;
    this.#adapter = adapter;
    this.#session = session;
    this.readable = calls.WintunGetReadWaitEvent(session);
  }

  /** "0.14" */
  get driverVersion(): string {
    const version = this.#calls.WintunGetRunningDriverVersion();
    return version === 0 ? `unknown (${errorName(this.#win.lastError)})` : `${version >>> 16}.${version & 0xffff}`;
  }

  /** The locally unique identifier of the interface, by which IP Helper knows it. */
  get luid(): bigint {
    const { at, view } = this.#win.scratch;
    this.#calls.WintunGetAdapterLUID(this.#adapter, at(0));
    return view.getBigUint64(0, true);
  }

  /**
   * Copy the packet that waits next to linear memory.
   * @param at       room for the largest packet, 65,535 bytes
   * @param lengthAt where four bytes may be used
   * @returns its length, or −error when none can be had (ERROR_NO_MORE_ITEMS: none waits). The runtime may have called Windows in between,
   *          so that the error is another now
   */
  receive(at: Address, lengthAt: Address): number {
    const packet = this.#calls.WintunReceivePacket(this.#session, lengthAt);
    if (packet === 0n) return -(this.#win.lastError || ERROR.ERROR_NO_MORE_ITEMS);
    const length = new DataView(this.#win.memory.buffer).getUint32(lengthAt, true);
    this.#win.kernel.RtlMoveMemory(this.#win.base + BigInt(at), packet, BigInt(length));
    this.#calls.WintunReleaseReceivePacket(this.#session, packet);
    return length;
  }

  /** Room for a packet to send, which `commit` must follow. @returns its machine address; 0n when there is none */
  allocate(length: number): bigint {
    return this.#calls.WintunAllocateSendPacket(this.#session, length);
  }

  /** Put `length` bytes of linear memory at `offset` of an allocated packet. */
  fill(packet: bigint, offset: number, from: Address, length: number): void {
    this.#win.kernel.RtlMoveMemory(packet + BigInt(offset), this.#win.base + BigInt(from), BigInt(length));
  }

  commit(packet: bigint): void {
    this.#calls.WintunSendPacket(this.#session, packet);
  }

  close(): void {
    this.#calls.WintunEndSession(this.#session);
    this.#calls.WintunCloseAdapter(this.#adapter);
  }
}

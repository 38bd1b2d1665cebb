/**
 * The system's DLLs, as one small typed interface over the runtime's FFI. Addresses are byte offsets in the core's linear memory. Functions
 * return what Windows returns; why one failed is `lastError`, which is to be asked right after it.
 */

import { machine, runtime, runtimeName } from "../../platform.ts";
import { openScratch, SCRATCH_BYTES, type Scratch } from "../scratch.ts";
import type { FILE_SECURITY_SIGNATURES } from "./file-signatures.ts";
import { GUID_BYTES } from "./layout.ts";
import type { CODE_SIGNATURES, SERVICE_SIGNATURES } from "./service-signatures.ts";
import {
  type Backend,
  type Calls,
  DNS_SIGNATURES,
  IP_HELPER_SIGNATURES,
  type NOTIFY_SIGNATURES,
  SIGNATURES,
  WINTUN_SIGNATURES,
} from "./signatures.ts";
import { WindowsError, WindowsRuntimeError } from "./windows-errors.ts";

const PATH_LETTERS_MAX = 260;
const INVALID_HANDLE = -1;
const IP_HELPER = "iphlpapi.dll";

export type WintunCalls = Calls<typeof WINTUN_SIGNATURES>;
export type ServiceCalls = Calls<typeof SERVICE_SIGNATURES>;
export type CodeCalls = Calls<typeof CODE_SIGNATURES>;
export type FileSecurityCalls = Calls<typeof FILE_SECURITY_SIGNATURES>;
export type NotifyCalls = Calls<typeof NOTIFY_SIGNATURES>;
export type IpHelperCalls = Calls<typeof IP_HELPER_SIGNATURES>;

/** @throws WindowsRuntimeError */
export async function openWin32(memory: WebAssembly.Memory): Promise<Win32> {
  try {
    const backend = await loadBackend();
    if (backend !== undefined) return new Win32(backend, memory);
  } catch (cause) {
    throw new WindowsRuntimeError(runtimeName(), cause);
  }
  throw new WindowsRuntimeError(runtimeName());
}

async function loadBackend(): Promise<Backend | undefined> {
  switch (runtime()) {
    case "bun":
      return (await import("./bun.ts")).bunBackend();
    case "deno":
      return (await import("./deno.ts")).denoBackend();
    default:
      return (await import("./node.ts")).nodeBackend();
  }
}

export class Win32 {
  readonly backend: Backend["name"];
  readonly memory: WebAssembly.Memory;
  /** Machine address of linear memory. */
  readonly base: bigint;
  readonly scratch: Scratch;
  readonly kernel: Calls<(typeof SIGNATURES)["kernel32"]>;
  readonly sockets: Calls<(typeof SIGNATURES)["ws2_32"]>;
  readonly security: Calls<(typeof SIGNATURES)["advapi32"]>;
  readonly network: Calls<(typeof SIGNATURES)["iphlpapi"]>;
  readonly random: Calls<(typeof SIGNATURES)["bcrypt"]>;
  readonly automation: Calls<(typeof SIGNATURES)["oleaut32"]>;
  readonly #backend: Backend;
  readonly #folder: string;
  #ipHelper: IpHelperCalls | undefined;

  constructor(backend: Backend, memory: WebAssembly.Memory) {
    this.#backend = backend;
    this.backend = backend.name;
    this.memory = memory;
    this.base = backend.addressOf(new Uint8Array(memory.buffer));
    this.scratch = openScratch(this.base, backend.addressOf);
    // Every process has it already; the others are named by where the system keeps them, so that nobody puts his own before them.
    this.kernel = backend.bind("kernel32.dll", SIGNATURES.kernel32, this.base);
    const folder = this.#askSystemFolder();
    this.#folder = folder;
    this.sockets = backend.bind(`${folder}\\ws2_32.dll`, SIGNATURES.ws2_32, this.base);
    this.security = backend.bind(`${folder}\\advapi32.dll`, SIGNATURES.advapi32, this.base);
    this.network = backend.bind(`${folder}\\iphlpapi.dll`, SIGNATURES.iphlpapi, this.base);
    this.random = backend.bind(`${folder}\\bcrypt.dll`, SIGNATURES.bcrypt, this.base);
    this.automation = backend.bind(`${folder}\\oleaut32.dll`, SIGNATURES.oleaut32, this.base);
  }

  /** Where the system's own programs are, be the environment what it will. */
  get systemFolder(): string {
    return this.#folder;
  }

  #askSystemFolder(): string {
    const letters = this.kernel.GetSystemDirectoryW(this.scratch.at(0), PATH_LETTERS_MAX);
    if (letters === 0 || letters > PATH_LETTERS_MAX) throw new WindowsError("GetSystemDirectoryW", this.lastError);
    return new TextDecoder("utf-16le").decode(this.scratch.bytes.slice(0, 2 * letters));
  }

  /** The functions of a wintun.dll that is loaded. @throws when it lacks one */
  wintun(path: string): WintunCalls {
    return this.#backend.bind(path, WINTUN_SIGNATURES, this.base);
  }

  /** @throws where Windows, or what stands for it, lacks a function */
  ipHelper(): IpHelperCalls {
    this.#ipHelper ??= this.system(IP_HELPER, IP_HELPER_SIGNATURES);
    return this.#ipHelper;
  }

  /** Functions of one of the system's DLLs that few need. @throws where Windows, or what stands for it, lacks one */
  system<Table extends Readonly<Record<string, string>>>(file: string, table: Table): Calls<Table> {
    return this.#backend.bind(`${this.#folder}\\${file}`, table, this.base);
  }

  /** @param guid where an interface's is, in the scratch buffer @returns an error, or 0 @throws before Windows 10, version 2004 */
  setInterfaceDns(guid: number, settings: number): number {
    const { at, view } = this.scratch;
    if (machine() === "x86_64") {
      const { SetInterfaceDnsSettings } = this.system(IP_HELPER, DNS_SIGNATURES.x86_64);
      return SetInterfaceDnsSettings(at(guid), at(settings));
    }
    const { SetInterfaceDnsSettings } = this.system(IP_HELPER, DNS_SIGNATURES.aarch64);
    const half = (index: number): bigint => view.getBigUint64(guid + (index * GUID_BYTES) / 2, true);
    return SetInterfaceDnsSettings(half(0), half(1), at(settings));
  }

  /** The address of a function of a DLL that this process has loaded. @throws WindowsError */
  addressOf(file: string, name: string): bigint {
    const { kernel, scratch } = this;
    const library = kernel.GetModuleHandleW(this.text(file));
    scratch.bytes.set(Buffer.from(`${name}\0`, "latin1"));
    const address = library === 0n ? 0n : kernel.GetProcAddress(library, scratch.at(0));
    if (address === 0n) throw new WindowsError("GetProcAddress", this.lastError, name);
    return address;
  }

  get lastError(): number {
    return this.kernel.GetLastError();
  }

  /** Write a string with a terminating zero into the scratch buffer. @returns its address */
  text(value: string, position = 0): number {
    const bytes = Buffer.from(`${value}\0`, "utf16le");
    if (position + bytes.length > SCRATCH_BYTES) throw new RangeError("the text is too long");
    this.scratch.bytes.set(bytes, position);
    return this.scratch.at(position);
  }

  /** One that wakes a single wait, and is not signalled at first. @throws WindowsError */
  makeEvent(): number {
    return this.checkHandle("CreateEventW", this.kernel.CreateEventW(0, 0, 0, 0));
  }

  /** @throws WindowsError for none */
  checkHandle(call: string, handle: number, subject = ""): number {
    if (handle === 0 || handle === INVALID_HANDLE) throw new WindowsError(call, this.lastError, subject);
    return handle;
  }
}

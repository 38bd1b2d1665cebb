/**
 * Reads a wg-quick configuration, for the command line and for programs that embed a tunnel. It holds keys, so it is
 * read as bytes; only the values of keys that are known not to be secret become strings. Errors name the line and the
 * key, never a value: it may be a key in the wrong place.
 */

import { KEY_BASE64_CHARS, keyFromBase64, secretBytes } from "../keys/text.ts";
import { withoutMark } from "./byte-order-mark.ts";
import { ConfigError } from "./config-errors.ts";
import { decodeRawText } from "./raw-text.ts";
import { emptySettings, HOOKS, type Hook, type PeerSettings, type Settings } from "./settings.ts";
import * as values from "./values.ts";

const LF = 10;
const HASH = 35;
const EQUALS = 61;
/** The longest key is PersistentKeepalive. */
const KEY_CHARS_MAX = 32;

interface State {
  settings: Settings;
  section: "none" | "interface" | "peer";
  peer?: PartialPeer;
  line: number;
}

/** A peer until its public key has been seen. */
interface PartialPeer extends Omit<PeerSettings, "publicKey"> {
  publicKey?: Uint8Array;
  line: number;
}

/** Takes one value. @returns false if it is not valid */
type TextReader = (state: State, text: string) => boolean;
type KeyReader = (state: State, key: Uint8Array) => void;

/** Run `apply` with a value that could be read. @returns whether it could */
function accept<T>(value: T | undefined, apply: (value: T) => void): boolean {
  if (value !== undefined) apply(value);
  return value !== undefined;
}

/** Keys that wg-quick takes for itself. Their values keep inner spaces; an empty one resets. */
const SYSTEM_KEYS: Record<string, TextReader> = {
  address: ({ settings }, text) =>
    accept(values.readAddresses(text), (addresses) => settings.system.addresses.push(...addresses)),
  dns: ({ settings }, text) => {
    const { servers, search } = values.readDns(text);
    settings.system.dnsServers.push(...servers);
    settings.system.dnsSearch.push(...search);
    return true;
  },
  mtu: ({ settings }, text) => {
    delete settings.system.mtu;
    return text === "" || accept(values.readMtu(text), (mtu) => Object.assign(settings.system, { mtu }));
  },
  table: ({ settings }, text) =>
    accept(text === "" ? "auto" : values.readTable(text), (table) => Object.assign(settings.system, { table })),
  saveconfig: ({ settings }, text) =>
    accept(values.readBoolean(text), (saveConfig) => Object.assign(settings.system, { saveConfig })),
};
for (const hook of HOOKS) SYSTEM_KEYS[hook.toLowerCase()] = hookReader(hook);

function hookReader(hook: Hook): TextReader {
  return ({ settings }, text) => {
    // As bash reads lines: without NUL.
    settings.system.hooks[hook].push(text.replaceAll("\0", ""));
    return true;
  };
}

/** Keys that go to the tunnel. Spaces within their values do not count. */
const TUNNEL_TEXT_KEYS: Record<"interface" | "peer", Record<string, TextReader>> = {
  interface: {
    listenport: ({ settings }, text) =>
      accept(values.readPort(text), (listenPort) => Object.assign(settings.tunnel, { listenPort })),
    fwmark: ({ settings }, text) =>
      accept(values.readMark(text), (firewallMark) => Object.assign(settings.tunnel, { firewallMark })),
  },
  peer: {
    allowedips: ({ peer }, text) =>
      accept(values.readAllowedIps(text), (prefixes) => {
        for (const prefix of prefixes) peer!.allowedIps.push(prefix);
      }),
    endpoint: ({ peer, line }, text) =>
      accept(values.readEndpoint(text), (endpoint) => Object.assign(peer!, { endpoint: { ...endpoint, line } })),
    persistentkeepalive: ({ peer }, text) =>
      accept(values.readKeepalive(text), (persistentKeepalive) => Object.assign(peer!, { persistentKeepalive })),
  },
};

const TUNNEL_SECRET_KEYS: Record<"interface" | "peer", Record<string, KeyReader>> = {
  interface: {
    privatekey: ({ settings }, key) => {
      settings.tunnel.privateKey?.fill(0);
      settings.tunnel.privateKey = key;
    },
  },
  peer: {
    publickey: ({ peer }, key) => {
      peer!.publicKey = key;
    },
    presharedkey: ({ peer }, key) => {
      peer!.presharedKey?.fill(0);
      peer!.presharedKey = key;
    },
  },
};

const PROPER_NAMES = [
  ...["Address", "DNS", "MTU", "Table", "SaveConfig", ...HOOKS],
  ...["PrivateKey", "ListenPort", "FwMark"],
  ...["PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"],
];

function properName(key: string): string {
  return PROPER_NAMES.find((name) => name.toLowerCase() === key) ?? "this";
}

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13) || byte === 0;

/** [start, end) without white space at either end. */
function trim(bytes: Uint8Array): Uint8Array {
  let [start, end] = [0, bytes.length];
  while (start < end && isSpace(bytes[start]!)) start++;
  while (end > start && isSpace(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}

/** A copy without any white space, which the caller wipes if it may be secret. */
function compact(bytes: Uint8Array): Uint8Array {
  const compacted = secretBytes(bytes.length);
  let length = 0;
  for (const byte of bytes) if (!isSpace(byte)) compacted[length++] = byte;
  return compacted.subarray(0, length);
}

function text(bytes: Uint8Array): string {
  return decodeRawText(bytes);
}

/** The key before "=" in lower case; "" if it is too long or odd to be one, since it may be a secret then. */
function keyName(bytes: Uint8Array): string {
  const name = bytes.length <= KEY_CHARS_MAX ? text(bytes) : "";
  return /^[a-z]+$/i.test(name) ? name.toLowerCase() : "";
}

/** The key comes from the file; "constructor" is none, though every object has one. */
function entry<T>(table: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function readSecret(state: State, read: KeyReader, value: Uint8Array): boolean {
  const base64 = compact(value);
  const key = base64.length === KEY_BASE64_CHARS ? keyFromBase64(base64) : undefined;
  base64.fill(0);
  return accept(key, (bytes) => read(state, bytes));
}

/** @returns whether the line is a section's heading that is known */
function openSection(state: State, line: Uint8Array): boolean {
  const heading = line.length <= KEY_CHARS_MAX ? text(compact(line)).toLowerCase() : "";
  if (heading === "[interface]") state.section = "interface";
  else if (heading === "[peer]") state.section = "peer";
  else return false;
  return true;
}

class Parser {
  private readonly fileName: string;
  private readonly state: State = { settings: emptySettings(), section: "none", line: 0 };
  private readonly peers: PartialPeer[] = [];

  constructor(fileName: string) {
    this.fileName = fileName;
  }

  parse(file: Uint8Array): Settings {
    try {
      for (let start = 0; start < file.length; ) {
        const stop = file.indexOf(LF, start);
        const end = stop < 0 ? file.length : stop;
        this.state.line++;
        this.line(file.subarray(start, end));
        start = end + 1;
      }
      this.finish();
      return this.state.settings;
    } catch (error) {
      this.wipe();
      throw error;
    }
  }

  private fail(problem: string, line = this.state.line): never {
    throw new ConfigError(this.fileName, line, problem);
  }

  private line(whole: Uint8Array): void {
    const comment = whole.indexOf(HASH);
    const line = trim(comment < 0 ? whole : whole.subarray(0, comment));
    if (line.length === 0) return;
    const equals = line.indexOf(EQUALS);
    if (equals < 0) {
      if (!openSection(this.state, line)) this.fail("neither a section nor a key with a value");
      this.state.settings.isEmpty = false;
      if (this.state.section === "peer") this.openPeer();
      return;
    }
    const [left, value] = [trim(line.subarray(0, equals)), trim(line.subarray(equals + 1))];
    const { section } = this.state;
    if (section === "none") this.fail("a value outside of a section", this.state.line);
    if (section === "interface" && this.systemKey(keyName(left), value)) return;
    this.tunnelKey(section, keyName(compact(left)), value);
  }

  private openPeer(): void {
    const peer: PartialPeer = { allowedIps: [], line: this.state.line };
    this.peers.push(peer);
    this.state.peer = peer;
  }

  private systemKey(key: string, value: Uint8Array): boolean {
    const read = entry(SYSTEM_KEYS, key);
    if (read && !read(this.state, text(value))) this.fail(`${properName(key)} has a value that is not valid`);
    return read !== undefined;
  }

  private tunnelKey(section: "interface" | "peer", key: string, value: Uint8Array): void {
    const readText = entry(TUNNEL_TEXT_KEYS[section], key);
    const readKey = entry(TUNNEL_SECRET_KEYS[section], key);
    const valid = readText
      ? readText(this.state, text(compact(value)))
      : readKey
        ? readSecret(this.state, readKey, value)
        : this.fail(`not a key of this section${properName(key) === "this" ? "" : `: ${properName(key)}`}`);
    if (!valid) this.fail(`${properName(key)} has a value that is not valid`);
  }

  private finish(): void {
    for (const { publicKey, line, ...rest } of this.peers) {
      if (publicKey === undefined) this.fail("this peer has no PublicKey", line);
      this.state.settings.tunnel.peers.push({ publicKey, ...rest });
    }
  }

  private wipe(): void {
    this.state.settings.tunnel.privateKey?.fill(0);
    for (const peer of this.peers) peer.presharedKey?.fill(0);
  }
}

/**
 * @param file      the file's bytes; the caller wipes them
 * @param fileName  for errors
 * @throws          ConfigError; no secret is kept then
 */
export function parseConfig(file: Uint8Array, fileName: string): Settings {
  return new Parser(fileName).parse(withoutMark(file, fileName));
}

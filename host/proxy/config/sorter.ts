/**
 * Sorts the lines of a configuration file: the tunnel's part stays bytes, with every other line blanked so that it numbers its
 * lines as the file does; only sections of services become strings.
 */
import { withoutMark } from "../../config/byte-order-mark.ts";
import { ConfigError } from "../../config/config-errors.ts";
import { characters, readLine } from "./lines.ts";
import { Section } from "./sections.ts";

const LF = 10;
const DOLLAR = 36;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Keys that the parser of the tunnel's part knows, in lower case. */
const TUNNEL_KEYS = new Set(
  [
    ...["Address", "DNS", "MTU", "Table", "SaveConfig", "PreUp", "PostUp", "PreDown", "PostDown"],
    ...["PrivateKey", "ListenPort", "FwMark"],
    ...["PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"],
  ].map((key) => key.toLowerCase()),
);

/** Keys of wireproxy that stand among them. */
const EXTRA_KEYS = new Set(["checkalive", "checkaliveinterval"]);

function isTunnelSection(name: string): boolean {
  return name === "interface" || name === "peer";
}

function valueFromEnvironment(name: string, environment: Environment, fail: (problem: string) => never): string {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  return value ?? fail(`the environment variable ${name} is not set`);
}

/** Sorts one file, once. */
export class Sorter {
  readonly #environment: Environment;
  readonly #fileName: string;
  readonly #out: Uint8Array[] = [];
  /** What stands in front of the first heading. */
  readonly top: Section;
  readonly sections: Section[] = [];
  /** CheckAlive and its kin, which stand among the tunnel's own. */
  readonly extras: Section;
  readonly remarks: string[] = [];
  #current: Section;

  constructor(fileName: string, environment: Environment) {
    this.#fileName = fileName;
    this.#environment = environment;
    this.top = new Section(fileName, "", 0);
    this.extras = new Section(fileName, "Interface", 0);
    this.#current = this.top;
  }

  /** @returns the tunnel's part; the caller wipes it */
  sort(source: Uint8Array): Uint8Array {
    const file = withoutMark(source, this.#fileName);
    try {
      for (let start = 0, number = 1; start < file.length; number++) {
        const stop = file.indexOf(LF, start);
        const end = stop < 0 ? file.length : stop;
        this.#line(file.subarray(start, end), number);
        this.#out.push(Uint8Array.of(LF));
        start = end + 1;
      }
      return joined(this.#out);
    } finally {
      // Values from the environment were copied here.
      for (const piece of this.#out) if (piece.buffer !== file.buffer) piece.fill(0);
    }
  }

  #line(whole: Uint8Array, number: number): void {
    const line = readLine(whole);
    if (line.kind === "heading") {
      this.#current = new Section(this.#fileName, line.name, number);
      if (isTunnelSection(line.name.toLowerCase())) this.#out.push(new TextEncoder().encode(`[${line.name}]`));
      else this.sections.push(this.#current);
    } else if (line.kind === "entry") this.#entry(line.key, line.value, number);
    else if (line.kind === "other") {
      // Whatever it is, it may be a key in the wrong place: not a word of it.
      throw new ConfigError(this.#fileName, number, "neither a section nor a key with a value", "Write KEY = VALUE.");
    }
  }

  #entry(key: string, value: Uint8Array, number: number): void {
    const lower = key.toLowerCase();
    const inTunnel = isTunnelSection(this.#current.name.toLowerCase());
    if (inTunnel && TUNNEL_KEYS.has(lower)) {
      const bytes = this.#expand(value, number);
      this.#out.push(new TextEncoder().encode(`${key} = `), bytes);
      return;
    }
    const home = inTunnel ? this.extras : this.#current;
    if (home.entries.has(lower) && lower !== "checkalive") {
      throw new ConfigError(this.#fileName, number, `${key} stands twice in [${home.name}]`, "Remove one of them.");
    }
    const before = home.entries.get(lower);
    // An unknown key among the tunnel's own may be a misspelt PrivateKey: its value becomes no string.
    const readable = !inTunnel || EXTRA_KEYS.has(lower);
    const text = readable ? new TextDecoder().decode(this.#expand(value, number)) : "";
    home.entries.set(lower, { value: before === undefined ? text : `${before.value},${text}`, line: number });
  }

  /** `$NAME` is the variable's value; `$$` is a dollar. */
  #expand(value: Uint8Array, line: number): Uint8Array {
    if (value[0] !== DOLLAR) return value;
    if (value[1] === DOLLAR) return value.subarray(1);
    const name = characters(value.subarray(1));
    const fail = (problem: string): never => {
      throw new ConfigError(
        this.#fileName,
        line,
        problem,
        "Set it, or write $$ for a value that starts with a dollar.",
      );
    };
    if (!/^\w{1,255}$/.test(name)) fail("a value that starts with $ and names no environment variable");
    return new TextEncoder().encode(valueFromEnvironment(name, this.#environment, fail));
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

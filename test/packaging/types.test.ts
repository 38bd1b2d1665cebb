/** The declarations, in every TypeScript that is supported and every way of resolving, without any library but ECMAScript's. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attempt, makeProject, type Project, TOOLS } from "./support.ts";

const COMPILERS = ["typescript-5.7", "typescript-5.9", "typescript-7"];
const RESOLUTIONS = { node16: "node16", nodenext: "nodenext", bundler: "esnext" };
const BARE = ["ES2022"];

const PROGRAM = `
import { Device, generatePrivateKey, tunPair, type Bind, type DeviceOptions, type Tun, WasmguardError } from "wasmguard";
import { chacha20poly1305, x25519, x25519Pair, SecretKey } from "wasmguard/crypto";
const [tun, host] = tunPair({ mtu: undefined });
const options: DeviceOptions = { privateKey: generatePrivateKey(), tun, bind: undefined, peers: undefined, limits: { maxPeers: undefined } };
const device: Device = await Device.create(options);
for await (const packet of host) { const whole: Uint8Array<ArrayBuffer> = packet; void whole; break; }
const publicKey: Uint8Array<ArrayBuffer> = device.publicKey;
device.on("handshakeFailed", ({ publicKey, reason }) => { const one: "no endpoint" | "cannot send" | "no answer" = reason; void [publicKey, one]; });
const own: Tun = { open() {}, write: (packet: Uint8Array) => packet.length > 0, close() {} };
const bind: Bind = { open: (port) => port, send: (datagram, to) => datagram.length > to.port, close() {} };
const pair: [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] = x25519Pair(publicKey, publicKey, publicKey, publicKey);
const error: WasmguardError | undefined = undefined;
void [own, bind, publicKey, error, chacha20poly1305, x25519, pair, SecretKey];
export {};
`;

let project: Project;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => project.remove());

/** @param checked whether declarations are looked at too, or only by what the program uses of them */
function compile(
  compiler: string,
  text: string,
  module: string,
  resolution: string,
  lib: readonly string[],
  checked: "declarations" | "program" = "declarations",
) {
  project.write("program.ts", text);
  const compilerOptions = {
    ...{ module, moduleResolution: resolution, lib, target: "ES2022", types: [], noEmit: true },
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: checked === "program" },
  };
  project.write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  return attempt(process.execPath, [join(TOOLS, compiler, "bin/tsc"), "-p", "."], project.directory);
}

describe.each(COMPILERS)("%s", (compiler) => {
  it.each(Object.entries(RESOLUTIONS))("takes the declarations when it resolves as %s does", (resolution, module) => {
    expect(compile(compiler, PROGRAM, module, resolution, BARE).output).toBe("");
  });

  it("knows `using` where the program has it, and does not declare it where it has not", () => {
    const using = `${PROGRAM}\n{ await using one = device; using other = SecretKey.generate(); void [one, other]; }`;
    expect(compile(compiler, using, "nodenext", "nodenext", [...BARE, "ESNext.Disposable"]).output).toBe("");
    const leak = `import "wasmguard"; import "wasmguard/crypto"; void [Symbol.dispose, WebAssembly];`;
    const { output } = compile(compiler, leak, "nodenext", "nodenext", BARE);
    expect(output).toMatch(/'dispose' does not exist/);
    expect(output).toMatch(/Cannot find name 'WebAssembly'/);
  });

  it("takes them with the DOM, where signals are its own", () => {
    const dom = `${PROGRAM}\nawait Device.create({ ...options, signal: AbortSignal.timeout(5), lookup: async (host, { signal }) => (await fetch(host, { signal })).text() });`;
    expect(compile(compiler, dom, "nodenext", "nodenext", [...BARE, "DOM"]).output).toBe("");
  });
});

/** Typed arrays have had a parameter since 5.7. */
describe("typescript-5.6", () => {
  const used = `
import { Device, generatePrivateKey, tunPair } from "wasmguard";
import { x25519 } from "wasmguard/crypto";
const device: Device = await Device.create({ privateKey: generatePrivateKey(), tun: tunPair()[0] });
void x25519;
const port: number = device.listenPort;
const wrong: string = device.listenPort;
const unknown: number = device.publicKey;
export {};
`;

  it("takes the declarations where it does not look at them, and then arrays are of any type", () => {
    const { output } = compile("typescript-5.6", used, "nodenext", "nodenext", BARE, "program");
    expect(output.trim().split("\n")).toEqual([expect.stringContaining("error TS2322")]);
    expect(output).toContain("program.ts(7,7)");
  });

  it("says what it misses where it looks at them", () => {
    const { output } = compile("typescript-5.6", PROGRAM, "nodenext", "nodenext", BARE);
    expect(output).toContain("'Uint8Array' is not generic");
  });
});

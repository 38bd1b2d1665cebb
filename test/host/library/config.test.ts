/** A device of a wg-quick configuration: of a file, of bytes, of text. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { provideSystem, system } from "../../../host/event/system.ts";
import {
  type ConfigSource,
  Device,
  encodeKey,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  publicKeyOf,
  readConfig,
  tunPair,
  type WasmguardError,
} from "../../../host/index.ts";
import { MemoryBind } from "./memory-bind.ts";
import { SMALL } from "./support.ts";

const KEY = generatePrivateKey();
const SHARED = Buffer.from(encodeKey(generatePresharedKey())).toString();
const PEER = formatPublicKey(publicKeyOf(generatePrivateKey()));
const TEXT = `# a tunnel
[Interface]
PrivateKey = ${Buffer.from(encodeKey(KEY)).toString()}
Address = 10.0.0.2/24, fd00::2/64
ListenPort = 51821
DNS = 192.0.2.53, example.org
MTU = 1380
PostUp = echo never

[Peer]
PublicKey = ${PEER}
PresharedKey = ${SHARED}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = vpn.example.org:51820
PersistentKeepalive = 25
`;

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-config-"));
  path = join(folder, "wg0.conf");
  writeFileSync(path, TEXT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = () => ({ tun: tunPair()[0], bind: new MemoryBind(), limits: SMALL, lookup: () => "192.0.2.7" });

async function refusal(config: unknown): Promise<WasmguardError> {
  return Device.fromConfig(config as ConfigSource, options()).then(
    () => Promise.reject(new Error("taken")),
    (error) => error,
  );
}

describe("Device.fromConfig", () => {
  it("takes a path, a URL, bytes and text", async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (const source of [path, pathToFileURL(path), bytes, TEXT]) {
      const device = await Device.fromConfig(source, options());
      await device.start();
      await expect.poll(() => device.peer(PEER).endpoint).toBe("192.0.2.7:51820");
      expect([device.publicKey, device.listenPort]).toEqual([publicKeyOf(KEY), 51_821]);
      const { allowedIps, persistentKeepalive } = device.peer(PEER);
      expect([allowedIps, persistentKeepalive]).toEqual([["0.0.0.0/0", "::/0"], 25]);
      await device.close();
    }
    expect(new TextDecoder().decode(bytes)).toBe(TEXT);
  });

  it("lets options say otherwise", async () => {
    const device = await Device.fromConfig(TEXT, { ...options(), listenPort: 7 });
    expect(device.listenPort).toBe(7);
    await device.close();
  });

  it("says what is wrong, and where, without a value", async () => {
    // With the words around it: a random key above may have these digits too.
    expect(await refusal(TEXT.replace("Keepalive = 25", "Keepalive = x"))).toMatchObject({ code: "CONFIG", line: 15 });
    expect(await refusal(TEXT.replace(/PrivateKey.*/, ""))).toMatchObject({ code: "CONFIG", line: 0 });
    expect(await refusal(join(folder, "none.conf"))).toMatchObject({ code: "CONFIG", cause: { code: "ENOENT" } });
    for (const source of [undefined, null, 5, "", {}, []])
      expect(await refusal(source)).toMatchObject({ code: "OPTION" });
    const { message } = await refusal(TEXT.replace(`PresharedKey = ${SHARED}`, `PresharedKey = ${SHARED}${SHARED}`));
    expect(message).not.toContain(SHARED.slice(0, 8));
  });

  it("reads no file that is larger than any configuration, nor one without an end", async () => {
    const large = join(folder, "large.conf");
    writeFileSync(large, TEXT);
    const { length } = new TextEncoder().encode(TEXT);
    appendFileSync(large, "#".repeat((16 << 20) - length));
    await expect(readConfig(large)).resolves.toMatchObject({ mtu: 1380 });
    appendFileSync(large, "#");
    expect(await refusal(large)).toMatchObject({ code: "CONFIG", message: expect.stringContaining("too large") });
  });

  it("does not repeat the path of a file that cannot be read: it may be a key", async () => {
    for (const source of [SHARED, join(folder, SHARED.replaceAll("/", "_")), `PresharedKey = ${SHARED}`]) {
      const error = await refusal(source);
      expect(error).toMatchObject({ code: "CONFIG", cause: { code: "ENOENT" } });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SHARED.slice(0, 8).replaceAll("/", "_"));
    }
  });

  it("tells the name of a reason that has no code, as Deno's refusals of permission", async () => {
    const given = system();
    const refused = Object.assign(new Error(`Requires read access to "${path}"`), { name: "NotCapable" });
    provideSystem({ ...given, readFile: () => Promise.reject(refused) });
    onTestFinished(() => provideSystem(given));
    const error = await refusal(path);
    expect(error).toMatchObject({ code: "CONFIG", cause: { code: "NotCapable", message: "NotCapable" } });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(path);
  });

  it("does not take what the configuration says from elsewhere", async () => {
    const more = { ...options(), privateKey: KEY };
    await expect(Device.fromConfig(TEXT, more)).rejects.toMatchObject({ code: "OPTION" });
  });
});

it("readConfig tells what is for the system, and its keys can be wiped", async () => {
  const config = await readConfig(path);
  expect(config).toMatchObject({
    addresses: ["10.0.0.2/24", "fd00::2/64"],
    dnsServers: ["192.0.2.53"],
    searchDomains: ["example.org"],
    mtu: 1380,
    listenPort: 51_821,
  });
  expect(config.privateKey).toEqual(KEY);
  config.wipe();
  expect([config.privateKey, config.peers[0]?.presharedKey]).toEqual([new Uint8Array(32), new Uint8Array(32)]);
});

/** The examples that need a server, as their users start them. */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import ssh2 from "ssh2";
import { describe, expect, it, onTestFinished } from "vitest";
import { encodeKey, generatePrivateKey, publicKeyOf } from "../../host/library/device-keys.ts";
import type { Network } from "../../host/network/network.ts";
import { networks } from "../support/networks.ts";
import { startPostgres } from "./support/postgres.ts";
import { gate } from "./support/reach.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RUN_MS = 60_000;

/** A project with the package and pg in its node_modules, and the examples. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-examples-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(ROOT, join(folder, "node_modules/wasmguard"));
  symlinkSync(join(ROOT, "test/drivers/node_modules/pg"), join(folder, "node_modules/pg"));
  symlinkSync(join(ROOT, "bin/wasmguard.js"), join(folder, "node_modules/.bin/wasmguard"));
  cpSync(join(ROOT, "examples"), folder, { recursive: true });
  return folder;
}

/** The far end of a tunnel, and the text of a configuration for somebody who comes by it. */
async function farEnd(): Promise<{ far: Network; configuration: string }> {
  const key = generatePrivateKey();
  const { far } = await networks(
    {},
    {
      peers: [{ publicKey: publicKeyOf(key), allowedIps: ["10.0.0.1/32"] }],
    },
  );
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(encodeKey(bytes));
  const configuration = `[Interface]
PrivateKey = ${text(key)}
Address = 10.0.0.1/24
[Peer]
PublicKey = ${Buffer.from(far.publicKey).toString("base64")}
AllowedIPs = 10.0.0.2/32
Endpoint = 127.0.0.1:${far.listenPort}
`;
  return { far, configuration };
}

/** @returns what it wrote, once it has ended by itself */
async function run(folder: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const path = [join(folder, "node_modules/.bin"), join(ROOT, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const child = spawn(command, args, {
    cwd: folder,
    timeout: RUN_MS,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: path, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const [code] = await once(child, "close");
  return { code, output };
}

describe("the examples", () => {
  it("a function asks PostgreSQL, twice over one tunnel", async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    server.script(`create role reader login; create database shop;`);
    server.script(
      "create table orders (customer int); insert into orders values (7), (7), (8); grant select on orders to reader;",
      "shop",
    );
    const { far, configuration } = await farEnd();
    await gate(far, server.port);
    const folder = project();
    const call = `const { handler } = await import("./postgres-function.mjs");
      for (const customer of [7, 8]) console.log((await handler({ customer })).body);
      process.exit(0);`;
    const env = { OFFICE_CONF: configuration, DATABASE: "10.0.0.2", PORT: String(server.port) };
    const { code, output } = await run(folder, process.execPath, ["--input-type=module", "-e", call], env);
    expect(output).toBe('{"orders":2}\n{"orders":1}\n');
    expect(code).toBe(0);
  });

  it("ssh reaches a host inside by ProxyCommand", async () => {
    const { far, configuration } = await farEnd();
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
      publicKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    const server = new ssh2.Server({ hostKeys: [privateKey] }, (client: Untyped) => {
      client.on("error", () => {});
      client.on("authentication", (attempt: Untyped) => attempt.accept());
      client.on("session", (accept: () => Untyped) => {
        accept().on("exec", (take: () => Untyped, _: unknown, { command }: { command: string }) => {
          const channel = take();
          channel.write(`asked for ${command}\n`);
          channel.exit(0);
          channel.end();
        });
      });
    });
    const inside = far.createServer((socket) => void server.injectSocket(socket)).listen(22);
    await once(inside, "listening");
    const folder = project();
    writeFileSync(join(folder, "office.conf"), configuration, { mode: 0o600 });
    // The far end has no name server: its address stands for the name.
    const trusting = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
    const args = ["-F", "ssh_config", ...trusting, "-o", "HostName=10.0.0.2", "me@git.internal", "the date"];
    const { code, output } = await run(folder, "ssh", args);
    expect(output).toBe("asked for the date\n");
    expect(code).toBe(0);
  });
});

/** Every recipe of docs/recipes.md is run: its program as it stands there, with what it takes for granted around it, against a real far end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decode, encode } from "@dnsquery/dns-packet";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Network } from "../../host/network/index.ts";
import { networkOf } from "../support/inside.ts";
import { configurations } from "../support/two-ends.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HEADING = /^## (.*)$/m;

/** Programs and commands, by the heading that they stand under. */
const recipes = new Map(
  readFileSync(join(ROOT, "docs/recipes.md"), "utf8")
    .split(/^(?=## )/m)
    .slice(1)
    .map((part) => {
      const program = /```js\n([\s\S]*?)```/.exec(part)?.[1];
      const command = /^ {4}(wasmguard .*)$/m.exec(part)?.[1];
      return [HEADING.exec(part)![1]!, { program, command }] as const;
    }),
);

function programOf(heading: string): string {
  const program = recipes.get(heading)?.program;
  if (program === undefined) throw new Error(`docs/recipes.md has no program under "${heading}"`);
  return program;
}

/** Does with its stream what pg does: nothing before `connect`, and then it connects it. */
const PG = `export default { Client: class {
  constructor(options) { this.options = options; }
  connect() {
    const stream = this.options.stream();
    return new Promise((resolve, reject) => {
      stream.once("error", reject);
      stream.once("data", (bytes) => { console.log(String(bytes)); resolve(); });
      stream.connect(5432, this.options.host);
    });
  }
} };`;

interface Place {
  readonly folder: string;
  readonly far: Network;
}

/** A project with office.conf and home.conf, and what is at the other end of both; `db.internal` is there. */
async function place(): Promise<Place> {
  const { inside, outside } = await configurations();
  const folder = dirname(inside);
  const text = readFileSync(inside, "utf8").replace("[Peer]", "DNS = 10.8.0.2\n[Peer]");
  writeFileSync(join(folder, "office.conf"), text, { mode: 0o600 });
  copyFileSync(join(folder, "office.conf"), join(folder, "home.conf"));
  mkdirSync(join(folder, "node_modules/pg"), { recursive: true });
  symlinkSync(ROOT, join(folder, "node_modules/wasmguard"));
  writeFileSync(join(folder, "node_modules/pg/index.mjs"), PG);
  writeFileSync(join(folder, "node_modules/pg/package.json"), JSON.stringify({ name: "pg", exports: "./index.mjs" }));
  onTestFinished(() => rmSync(join(folder, "node_modules"), { recursive: true }));
  const far = await networkOf(outside);
  const names = far.createSocket("udp4", (message, { address, port }) => {
    const { id, questions } = decode(message);
    const answers =
      questions![0]!.type === "A" ? [{ type: "A" as const, name: questions![0]!.name, ttl: 60, data: "10.8.0.2" }] : [];
    names.send(encode({ type: "response", id: id!, questions: questions!, answers }), port, address);
  });
  names.bind(53);
  await once(names, "listening");
  return { folder, far };
}

/** @returns what it wrote, once it has ended, or once it has written `until` */
async function run({ folder }: Place, program: string, until?: string): Promise<string> {
  const file = join(folder, "recipe.mjs");
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "close");
  let output = "";
  const written = new Promise<[number]>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (until !== undefined && output.includes(until)) resolve([0]);
      });
    }
  });
  const [code] = await Promise.race([ended, written]);
  if (code !== 0) throw new Error(`ended with ${code}: ${output}`);
  return output;
}

const DEVICE = `
import { Device, generatePrivateKey, publicKeyOf, tunPair } from "wasmguard";
const options = { privateKey: generatePrivateKey(), tun: tunPair()[0] };
`;

describe("docs/recipes.md", { timeout: 90_000 }, () => {
  it("has no program that is not run here", () => {
    const run = [
      "Query a database behind a tunnel",
      "Serve inside a tunnel",
      "Wait until the peer is there, and say whether it is",
      "Make keys for a new peer",
      "Change the private key of a running device",
      "End in an orderly way",
      "Encrypt in a Cloudflare Worker",
    ];
    expect([...recipes].filter(([, { program }]) => program !== undefined).map(([heading]) => heading)).toEqual(run);
  });

  it("queries a database behind a tunnel", async () => {
    const here = await place();
    here.far.createServer((socket) => socket.end("hello from the database")).listen(5432);
    expect(await run(here, programOf("Query a database behind a tunnel"))).toBe("hello from the database\n");
  });

  it("has other programs use the tunnel", async () => {
    const here = await place();
    const [, ...words] = recipes.get("Have a program of others use the tunnel")!.command!.split(" ");
    const command = `import { spawnSync } from "node:child_process";
      const args = ${JSON.stringify([join(ROOT, "bin/wasmguard.js"), ...words, "--configtest"])};
      const { stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
      console.log(stderr.trim(), status);`;
    expect(await run(here, command)).toBe("the configuration is valid 0\n");
  });

  it("serves inside a tunnel", async () => {
    const here = await place();
    const serving = run(here, `${programOf("Serve inside a tunnel")}\nconsole.log("serves");`, "serves");
    await serving;
    const response = await here.far.fetch("http://10.8.0.1/");
    expect(await response.text()).toBe("hello from inside\n");
  });

  it("waits until the peer is there", async () => {
    const program = programOf("Wait until the peer is there, and say whether it is");
    const around = `import { Network } from "wasmguard/network";\n${program}\nconsole.log(ready); await network.close();`;
    expect(await run(await place(), around)).toBe("true\n");
  });

  it("makes keys for a new peer", async () => {
    const program = programOf("Make keys for a new peer");
    const output = await run(await place(), `${program}\nconsole.log(privateKey.join(""), text.join(""));`);
    expect(output).toMatch(/^[A-Za-z0-9+/]{43}=\n0{32} 0{44}\n$/);
  });

  it("changes the private key of a running device", async () => {
    const program = programOf("Change the private key of a running device");
    const around = `${DEVICE}
      const device = await Device.create(options);
      await device.start();
      const newKey = generatePrivateKey(), expected = publicKeyOf(newKey).join();
      ${program}
      console.log(device.publicKey.join() === expected, newKey.join(""));
      await device.close();`;
    expect(await run(await place(), around)).toBe(`true ${"0".repeat(32)}\n`);
  });

  it("ends in an orderly way", async () => {
    const program = programOf("End in an orderly way");
    const around = `${DEVICE}
      const abortController = new AbortController();
      let kept;
      {
        ${program}
        kept = device;
        await device.start();
      }
      try { kept.publicKey; } catch (error) { console.log(error.code); }`;
    expect(await run(await place(), around)).toBe("CLOSED\n");
  });

  it("encrypts as in a worker", async () => {
    const around = `const key = new Uint8Array(32).fill(7), nonce = new Uint8Array(12), message = new Uint8Array(5);
      ${programOf("Encrypt in a Cloudflare Worker")}
      import(import.meta.url).then(async ({ default: worker }) => console.log((await worker.fetch().arrayBuffer()).byteLength));`;
    expect(await run(await place(), around)).toBe("21\n");
  });
});

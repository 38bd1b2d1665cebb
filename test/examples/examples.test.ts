/** The programs of examples/, as a user starts them: two processes, joined by a tunnel over loopback, in every runtime. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Network } from "../../host/network/index.ts";
import { networkOf, serveInside } from "../support/inside.ts";
import { findRuntime, RUNTIMES } from "../support/runtimes.ts";
import { configurations, run } from "../support/two-ends.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url));

describe.each(RUNTIMES)("the examples in %s", (runtime) => {
  it("show a local server inside a tunnel, and fetch from it", async (test) => {
    const { path, reason } = findRuntime(runtime);
    if (path === undefined) return test.skip(reason);
    const { inside, outside } = await configurations();
    const server = run(runtime, path, example("expose"), outside);
    await expect.poll(server.output, { timeout: 30_000 }).toContain("listening inside at 10.8.0.2");
    const client = run(runtime, path, example("fetch-inside"), inside, "http://10.8.0.2/");
    await new Promise((done) => client.process.once("close", done));
    expect(client.output()).toBe("200 hello from outside, 10.8.0.1\n\n");
    server.process.kill("SIGTERM");
    await new Promise((done) => server.process.once("close", done));
  }, 90_000);
});

it("a bot in Deno answers in a room inside the tunnel, until it is told to end", async (test) => {
  const { path, reason } = findRuntime("deno");
  if (path === undefined) return test.skip(reason);
  const { inside, outside } = await configurations();
  const said = ["!help", "nothing", "!quit"];
  const answers: string[] = [];
  await serveInside(await networkOf(outside), (request, response) => {
    if (request.method === "GET") {
      const after = Number(/after=(\d+)/.exec(request.url!)![1]);
      return void response.end(JSON.stringify({ id: after + 1, text: said[after] }));
    }
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      answers.push(text);
      response.end();
    });
  });
  const bot = run(
    "deno",
    path,
    fileURLToPath(new URL("../../examples/bot.ts", import.meta.url)),
    inside,
    "http://10.8.0.2",
  );
  const [code] = await once(bot.process, "close");
  expect(bot.output()).toBe("");
  expect(code).toBe(0);
  expect(answers).toEqual(["I know !time, !help"]);
}, 90_000);

it("Bun makes one file of a program and its tunnel", async (test) => {
  const { path, reason } = findRuntime("bun");
  if (path === undefined) return test.skip(reason);
  const { inside, outside } = await configurations();
  const folder = mkdtempSync(join(tmpdir(), "examples-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "inside");
  const build = run("bun", path, "build", "--compile", example("single-executable"), "--outfile", program);
  const [built] = await once(build.process, "close");
  expect(built, build.output()).toBe(0);
  await serveInside(await networkOf(outside), (_, response) => void response.end("from inside"));
  // Nothing of this checkout is near it.
  const child = spawn(program, [inside, "http://10.8.0.2/"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "close");
  expect(output).toBe("from inside\n");
}, 120_000);

/** A name server inside that knows one address for everything. */
async function answerNames(network: Network, address: string): Promise<void> {
  const socket = network.createSocket("udp4", (query, from) => {
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const isA = question.readUInt16BE(question.length - 4) === 1;
    const header = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0])]);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)]);
    socket.send(Buffer.concat([header, question, ...(isA ? [record] : [])]), from.port, from.address);
  });
  socket.bind(53);
  await once(socket, "listening");
}

it("the README's three lines of Network do what they say", async () => {
  const { inside, outside } = await configurations();
  const far = await networkOf(outside);
  await answerNames(far, "10.8.0.2");
  await serveInside(far, (request, response) => void response.end(`this is ${request.headers.host}`));
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, lines] = /```js\n(import \{ Network \}[\s\S]*?)```/.exec(readme)!;
  // In a project with the package, whose office.conf has a DNS line as a provider's has.
  const folder = mkdtempSync(join(tmpdir(), "examples-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(fileURLToPath(new URL("../../", import.meta.url)), join(folder, "node_modules/wasmguard"));
  const configuration = readFileSync(inside, "utf8").replace("[Peer]", "DNS = 10.8.0.2\n[Peer]");
  writeFileSync(join(folder, "office.conf"), configuration, { mode: 0o600 });
  writeFileSync(join(folder, "three-lines.mjs"), `${lines}await network.close();\n`);
  const child = spawn(process.execPath, ["three-lines.mjs"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "close");
  expect(output).toBe("this is wiki.internal\n");
}, 60_000);

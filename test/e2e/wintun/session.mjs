// Runs inside of Wine, in Node of Windows: starts programs and asks named pipes for a test outside of it, which listens at the port of loopback
// that is named here. One JSON object in a line, each way; a number says which answer belongs to which request.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, realpathSync, renameSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const test = connect(Number(process.argv[2]), "127.0.0.1");
const tell = (object) => test.write(`${JSON.stringify(object)}\n`);
const children = new Map();

const INTERRUPT = fileURLToPath(new URL("interrupt.mjs", import.meta.url));

const installed = (path) => fileURLToPath(new URL(`../../../.runtimes/windows/node_modules/${path}`, import.meta.url));
const RUNTIMES = {
  node: [realpathSync.native(process.execPath)],
  bun: [installed("@oven/bun-windows-x64/bin/bun.exe")],
  deno: [installed("@deno/win32-x64/deno.exe"), "run", "--quiet", "--no-lock", "--allow-all"],
};

const requests = {
  /** Start a runtime, or what else lies at a path, with arguments; tell what it writes, and how it ends. */
  start({ id, program, args, env, cwd }) {
    const [file, ...before] = RUNTIMES[program] ?? [program];
    const child = spawn(file, [...before, ...args], {
      env: { ...process.env, ...env },
      cwd,
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    children.set(id, child);
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8").on("data", (text) => tell({ id, event: stream, text }));
    }
    child.on("error", (error) => tell({ id, event: "exit", code: String(error) }));
    child.on("close", (code) => tell({ id, event: "exit", code }));
  },
  /** As a key at the console of a program, which is its own. */
  interrupt({ of, key }) {
    spawn(process.execPath, [INTERRUPT, `${children.get(of).pid}`, `${key}`], { windowsHide: true });
  },
  /** Put DLLs in the place of the system's own, for programs that start from now on. */
  replace({ id, folder, names }) {
    const overrides = "HKCU\\Software\\Wine\\DllOverrides";
    for (const name of names) {
      const place = `C:\\windows\\system32\\${name}`;
      // Programs that run have it open.
      try {
        renameSync(`${place}.dll`, `${place}.old`);
      } catch (error) {
        if (error.code !== "ENOENT") throw error;
      }
      copyFileSync(`${folder}\\${name}.dll`, `${place}.dll`);
      execFileSync("reg", ["add", overrides, "/v", name, "/d", "native,builtin", "/f"], { windowsHide: true });
    }
    tell({ id, event: "replaced" });
  },
  /** Tell what a path is without links. */
  real({ id, path }) {
    tell({ id, event: "answer", text: realpathSync.native(path) });
  },
  kill({ of }) {
    children.get(of)?.kill();
  },
  /** Write to a pipe and read an answer, which ends with an empty line; or keep the pipe open, and say nothing. */
  ask({ id, path, text }) {
    let answer = "";
    const pipe = connect(path);
    pipe.setEncoding("utf8");
    pipe.on("connect", () => {
      tell({ id, event: "connected" });
      if (text !== "") pipe.write(text);
    });
    pipe.on("data", (piece) => {
      answer += piece;
      if (answer.endsWith("\n\n")) pipe.destroy();
    });
    pipe.on("error", ({ code }) => {
      answer = code;
    });
    pipe.on("close", () => tell({ id, event: "answer", text: answer }));
  },
};

createInterface({ input: test }).on("line", (line) => {
  const request = JSON.parse(line);
  requests[request.do](request);
});
test.on("close", () => process.exit());

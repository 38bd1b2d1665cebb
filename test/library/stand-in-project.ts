/** Tests as compiled JavaScript, for runtimes in which vitest does not start: in a directory with the packages that they use, and a stand-in for vitest. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export class StandInProject {
  readonly directory = mkdtempSync(join(tmpdir(), "wasmguard-stand-in-"));

  /** @param paths folders and files of tests, with `test/` in front */
  constructor(paths: readonly string[]) {
    const include = ["host", "assembly/abi.ts", ...paths];
    writeFileSync(
      join(this.directory, "tsconfig.json"),
      JSON.stringify({
        extends: join(ROOT, "tsconfig.json"),
        compilerOptions: {
          noEmit: false,
          rootDir: ROOT,
          outDir: this.directory,
          typeRoots: [join(ROOT, "node_modules/@types")],
        },
        include: include.map((path) => join(ROOT, path)),
      }),
    );
    const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", this.directory], { encoding: "utf8" });
    if (!existsSync(join(this.directory, "test"))) throw new Error(`the tests cannot be compiled: ${stdout}`);
    mkdirSync(join(this.directory, "node_modules"));
    for (const name of readdirSync(join(ROOT, "node_modules"))) {
      if (name !== "vitest" && !name.startsWith(".")) this.#link(`node_modules/${name}`);
    }
    const standIn = join(this.directory, "node_modules/vitest");
    mkdirSync(standIn);
    cpSync(join(ROOT, "test/library/vitest-stand-in.mjs"), join(standIn, "index.mjs"));
    writeFileSync(join(standIn, "package.json"), JSON.stringify({ name: "vitest", exports: "./index.mjs" }));
    cpSync(join(ROOT, "test/library/run-tests.mjs"), join(this.directory, "run-tests.mjs"));
    writeFileSync(join(this.directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  }

  #link(path: string): void {
    symlinkSync(join(ROOT, path), join(this.directory, path));
  }

  /** Data that tests read beside their code. */
  linkData(...paths: string[]): void {
    for (const path of paths) this.#link(path);
  }

  /** Run compiled files. @returns what it wrote; its last line counts the tests @throws if any failed */
  run(command: readonly string[], files: readonly string[], timeoutMs: number): Promise<string> {
    const [program = "", ...before] = command;
    const compiled = files.map((name) => name.replace(/ts$/, "js"));
    return new Promise((resolve, reject) => {
      const child = spawn(program, [...before, "run-tests.mjs", ...compiled], {
        cwd: this.directory,
        timeout: timeoutMs,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          output += text;
        });
      }
      child.on("error", reject);
      child.on("close", (code, signal) => {
        if (code === 0) resolve(output);
        else reject(new Error(`ended with ${code ?? signal}: ${output}`));
      });
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Test files of a folder. */
export function testsIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${folder}/${name}`);
}

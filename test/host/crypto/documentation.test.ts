// The programs in docs/crypto.md, run as they stand.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Compiled, compileCrypto } from "./support.ts";

let compiled: Compiled;

beforeAll(() => {
  compiled = compileCrypto();
}, 120_000);

afterAll(() => compiled?.remove());

const text = readFileSync(new URL("../../../docs/crypto.md", import.meta.url), "utf8");
const programs = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, program]) => program!);
const outputs = ["hello\n", "64\n", "hello\nKEY_DESTROYED\n", "0 1436\n1 1420\n"];

it("there is an output for each program", () => expect(programs.length).toBe(outputs.length));

it.each(programs.map((program, i) => ({ number: i + 1, program, output: outputs[i] })))(
  "program $number prints what it says",
  ({ program, output }) => {
    const source = program.replace("wasmguard/crypto", compiled.module);
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe(output);
  },
);

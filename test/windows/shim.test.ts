/** The command as npm makes it on Windows, a script of cmd.exe beside it. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectWithPackage } from "./installed.ts";

const NPM = process.env.WASMGUARD_TEST_NPM!;
const PRIVATE = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

let folder: string;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  folder = projectWithPackage();
  const { default: makeShim } = await import(pathToFileURL(join(NPM, "node_modules/cmd-shim/lib/index.js")).href);
  await makeShim(join(folder, "node_modules/wasmguard/bin/wasmguard.js"), join(folder, "wasmguard"));
  mkdirSync(join(folder, "My Tunnels"));
  const config = `[Interface]\r\nPrivateKey = ${PRIVATE}\r\nAddress = 10.8.0.1/24\r\n`;
  writeFileSync(join(folder, "My Tunnels", "wg0.conf"), config);
});

/** A command line as people type it. */
function shell(line: string) {
  const Path = [folder, dirname(process.execPath), process.env.PATH].join(";");
  const { PATH: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync("cmd.exe", ["/d", "/s", "/c", `"${line}"`], {
    encoding: "utf8",
    timeout: 60_000,
    windowsVerbatimArguments: true,
    env: { ...env, Path, TUNNELS: join(folder, "My Tunnels") },
  });
  return { status, stdout, stderr };
}

it("a key goes from one to the next", () => {
  expect(shell("wasmguard genkey | wasmguard pubkey")).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^[A-Za-z0-9+/]{43}=\n$/),
  });
});

it("variables of the shell, spaces and exit codes come through", () => {
  expect(shell('wasmguard proxy "%TUNNELS%\\wg0.conf" --configtest --socks 0')).toMatchObject({
    status: 0,
    stderr: "the configuration is valid\n",
  });
  expect(shell('wasmguard proxy "%TUNNELS%\\none.conf" --socks 0')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^wasmguard: cannot read .*My Tunnels\\none\.conf \(ENOENT\)\. /),
  });
  expect(shell("wasmguard --none")).toMatchObject({ status: 2 });
});

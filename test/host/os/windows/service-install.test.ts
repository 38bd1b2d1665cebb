/** What is looked at before a tunnel becomes a service, on a machine that has Node and the package in its usual folders. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DriverLibrary } from "../../../../host/os/machine.ts";
import type { Access } from "../../../../host/os/windows/access.ts";
import { checkInstall } from "../../../../host/os/windows/service/install-check.ts";

const PROGRAM = "C:\\Program Files\\nodejs\\node.exe";
const PACKAGE = "C:\\Program Files\\wasmguard";
const SCRIPT = `${PACKAGE}\\bin\\wasmguard.js`;
const DLL = "C:\\Program Files\\Tunnels\\wintun.dll";
const CONFIGURATION = "C:\\Program Files\\Tunnels\\wg0.conf";

/** What there is, and what else it is called. */
const disk = vi.hoisted(() => ({ files: new Set<string>(), leadsTo: new Map<string, string>() }));

vi.mock("node:fs", async (original) => {
  const { files, leadsTo } = disk;
  const fault = (code: string) => Object.assign(new Error(code), { code });
  const native = (path: string): string => {
    const real = leadsTo.get(path) ?? path;
    if (!files.has(real)) throw fault("ENOENT");
    return real;
  };
  const readdirSync = (folder: string) => {
    const names = [...files].filter((path) => path.startsWith(`${folder}\\`));
    if (names.length === 0) throw fault("ENOTDIR");
    return names.map((path) => path.slice(folder.length + 1));
  };
  const existsSync = (path: string) => files.has(leadsTo.get(path) ?? path);
  return { ...(await original<object>()), existsSync, readdirSync, realpathSync: Object.assign(native, { native }) };
});

const OWN = [
  ...[PROGRAM, `${PACKAGE}\\bin`, SCRIPT, `${PACKAGE}\\dist`, `${PACKAGE}\\dist\\cli`, `${PACKAGE}\\dist\\cli\\a.js`],
  ...[`${PACKAGE}\\dist\\core.wasm`, `${PACKAGE}\\package.json`],
];
const started = { program: process.execPath, script: process.argv[1] };

beforeEach(() => {
  disk.leadsTo.clear();
  disk.files.clear();
  for (const path of [...OWN, `${PACKAGE}\\README.md`, DLL, CONFIGURATION]) disk.files.add(path);
  [process.execPath, process.argv[1]] = [PROGRAM, SCRIPT];
});
afterEach(() => {
  process.execPath = started.program;
  process.argv[1] = started.script!;
});

const [ADMINISTRATORS, USERS, READ] = ["S-1-5-32-544", "S-1-5-32-545", 0x1200a9];

/** @param secrets what is read besides the driver @returns warnings, and which paths were asked for */
function check(
  secrets: readonly string[] = [CONFIGURATION],
  driver: DriverLibrary = { file: DLL, unsigned: "refused" },
) {
  const asked: string[] = [];
  const look = (path: string): Access => {
    asked.push(path);
    return { owner: ADMINISTRATORS, grants: path === CONFIGURATION ? [{ sid: USERS, rights: READ }] : [] };
  };
  const warnings = checkInstall(look, { driver, secrets, writers: [] });
  return { warnings, asked };
}

it("every file that is run or read, the folders of all, and those above", () => {
  const token = "D:\\secrets\\token";
  disk.files.add(token);
  const { asked } = check([CONFIGURATION, token]);
  const folders = [
    ...["C:\\", "C:\\Program Files", "C:\\Program Files\\nodejs", "C:\\Program Files\\Tunnels", PACKAGE],
    ...["D:\\", "D:\\secrets"],
  ];
  expect(asked.toSorted()).toEqual([...OWN, DLL, CONFIGURATION, token, ...folders].toSorted());
});

it("the DLL beside the program where none is named", () => {
  const beside = `${PACKAGE}\\bin\\wintun.dll`;
  disk.files.delete(DLL);
  disk.files.add(beside);
  const { asked } = check([], { unsigned: "refused" });
  expect(asked).toContain(beside);
});

it("who else could read a secret is told, with what would end that", () => {
  expect(check().warnings).toEqual([
    expect.stringMatching(/wg0\.conf holds a secret that S-1-5-32-545 may read: icacls/),
  ]);
});

it("what is not there yet is refused, for nobody knows whose it will be", () => {
  const token = "C:\\Program Files\\Tunnels\\token";
  expect(() => check([token])).toThrow(
    expect.objectContaining({ message: `${token} does not exist`, nextStep: expect.stringMatching(/^Make it first/) }),
  );
  disk.files.delete(DLL);
  expect(() => check()).toThrow(`there is no wintun.dll: not at ${DLL}`);
  expect(() => check([], { unsigned: "refused" })).toThrow(`not at ${PACKAGE}\\bin\\wintun.dll, nor at`);
});

it.each([
  ["the program", PROGRAM],
  ["the script", SCRIPT],
  ["a file of the package", `${PACKAGE}\\dist\\core.wasm`],
  ["the DLL", DLL],
  ["the configuration", CONFIGURATION],
])("%s by a link is refused, with where it leads", (_what, path) => {
  const real = "C:\\Program Files\\elsewhere";
  disk.files.add(real);
  disk.leadsTo.set(path, real);
  expect(() => check()).toThrow(
    expect.objectContaining({ code: "SERVICE_PATH", nextStep: `Name it by its real path: ${real}` }),
  );
});

it.each([
  ["named so", "\\\\nas\\share\\wg0.conf", "\\\\nas\\share\\wg0.conf"],
  ["by a letter", "N:\\wg0.conf", "\\\\nas\\share\\wg0.conf"],
])("another machine's file is refused, %s", (_how, path, real) => {
  disk.files.add(real);
  disk.leadsTo.set(path, real);
  expect(() => check([path])).toThrow(`${real} is on no drive of this machine`);
});

it("the case of letters is no link, nor are slashes and detours", () => {
  const path = "c:/program files/x/../TUNNELS/WG0.conf";
  disk.leadsTo.set(path, CONFIGURATION);
  expect(() => check([path])).not.toThrow();
});

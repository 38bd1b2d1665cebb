/** Which file and interface `up` takes, and how endpoints' names are resolved. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { CliError } from "../../../host/cli/command-errors.ts";
import { complain } from "../../../host/cli/print.ts";
import { resolveEndpoint } from "../../../host/cli/quick/endpoint.ts";
import { openConfigFile, rawArguments } from "../../../host/cli/quick/file.ts";
import { shellWord } from "../../../host/cli/quick/hooks.ts";
import { strip } from "../../../host/cli/quick/strip.ts";
import { decodeRawText, encodeRawText } from "../../../host/config/raw-text.ts";
import { privateRunObstacle } from "./private-run.ts";

vi.mock("../../../host/cli/print.ts", { spy: true });

const folder = mkdtempSync(join(tmpdir(), "wasmguard-cli-file-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function file(name: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, "[Interface]\nListenPort = 7\n");
  chmodSync(path, mode);
  return path;
}

describe("the configuration file", () => {
  it("names the interface", () => {
    const { name, tunnel } = openConfigFile(file("wg-a=b+c_d.1.conf"));
    expect(name).toBe("wg-a=b+c_d.1");
    expect(tunnel().listenPort).toBe(7);
  });

  it("is closed once, though it is told to twice", () => {
    const first = openConfigFile(file("wg0.conf"));
    first.close();
    // At the same descriptor.
    const second = openConfigFile(file("wg1.conf"));
    first.close();
    expect(second.tunnel().listenPort).toBe(7);
    second.close();
  });

  it.each(["wg0.txt", "averyveryverylongname.conf", "a b.conf", ".conf"])("%s names none", (name) => {
    expect(() => openConfigFile(file(name))).toThrow(/does not name an interface$/);
  });

  it("that is a name is looked for in /etc/wireguard", () => {
    expect(() => openConfigFile("wgnone7")).toThrow("/etc/wireguard/wgnone7.conf does not exist");
    expect(() => openConfigFile("./wgnone7.conf")).toThrow("./wgnone7.conf does not exist");
  });

  it("that is a name is found in the first folder that has it", () => {
    const folders = ["first", "second"].map((name) => join(folder, name));
    for (const path of folders) mkdirSync(path);
    file("second/wgnone8.conf");
    expect(openConfigFile("wgnone8", folders).path).toBe(join(folders[1]!, "wgnone8.conf"));
    file("first/wgnone8.conf");
    expect(openConfigFile("wgnone8", folders).path).toBe(join(folders[0]!, "wgnone8.conf"));
    expect(() => openConfigFile("wgnone9", folders)).toThrow(`${folders[0]}/wgnone9.conf does not exist`);
  });

  it("is never called by a name on Windows, where anybody may make the folder", () => {
    vi.spyOn(process, "platform", "get").mockReturnValue("win32");
    expect(() => openConfigFile("wgnone7")).toThrow("wgnone7 is no file, and names stand for none on this system");
    expect(() => openConfigFile("./wgnone7.conf")).toThrow(
      expect.objectContaining({ message: "./wgnone7.conf does not exist", nextStep: "Give a FILE.conf" }),
    );
  });

  it("that anyone may read is warned of", () => {
    const write = vi.mocked(complain).mockReturnValue();
    openConfigFile(file("wg0.conf"));
    expect(write).not.toHaveBeenCalled();
    chmodSync(folder, 0o755);
    const path = file("wg1.conf", 0o644);
    openConfigFile(path);
    expect(write).toHaveBeenCalledWith(`Warning: \`${path}' is world accessible\n`);
  });
});

describe("a configuration that can be read only once", () => {
  const text = `[Interface]\nListenPort = 7\n# ${"x".repeat(200_000)}\n[Peer]\nPublicKey = ${"A".repeat(43)}=\n`;

  it("is read to its end, as often as it is needed, and leaves no file", async () => {
    const path = join(folder, "wgfifo.conf");
    execFileSync("mkfifo", [path]);
    writeFileSync(`${path}.text`, text);
    spawn("sh", ["-c", `cat ${path}.text > ${path}`], { stdio: "ignore" });
    const copies = () => readdirSync("/dev/shm").filter((name) => name.startsWith(`wasmguard-${process.pid}-`));
    const config = openConfigFile(path);
    expect(config.tunnel()).toMatchObject({ listenPort: 7, peers: [{}] });
    expect(Buffer.from(config.bytes()).toString()).toBe(text);
    expect(copies()).toEqual([]);
    config.close();
    rmSync(path);
  });

  it("may be a descriptor that a link leads to", () => {
    const link = join(folder, "wgfd.conf");
    symlinkSync("/dev/fd/0", link);
    const program = [
      `import { openConfigFile } from ${JSON.stringify(new URL("../../../host/cli/quick/file.ts", import.meta.url))};`,
      `console.log(openConfigFile(process.argv[1]).tunnel().peers.length);`,
    ].join("\n");
    const command = [process.execPath, "--input-type=module", "-e", program, link];
    const piped = spawnSync("sh", ["-c", 'cat | "$@"', "sh", ...command], { input: text, encoding: "utf8" });
    expect(piped.stdout).toBe("1\n");
  });

  it("or a file of /proc, whose size is told as 0", () => {
    const link = join(folder, "wgproc.conf");
    symlinkSync("/proc/self/environ", link);
    expect(() => openConfigFile(link)).toThrow(/wgproc\.conf, line 1: /);
  });
});

describe("a configuration file", () => {
  it.each(["", "\n\n", "# nothing but this\n"])("of %j is empty", (text) => {
    const path = join(folder, "wgempty.conf");
    writeFileSync(path, text, { mode: 0o600 });
    expect(openConfigFile(path).isEmpty).toBe(true);
  });

  it("that is a folder is told", () => {
    const path = join(folder, "wgfolder.conf");
    mkdirSync(path);
    expect(() => openConfigFile(path)).toThrow(/^cannot read .*wgfolder\.conf \(EISDIR\)$/);
  });

  it("may lie where the path is not UTF-8", () => {
    const place = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]);
    mkdirSync(place);
    const path = Buffer.concat([place, Buffer.from("/wgraw.conf")]);
    writeFileSync(path, "[Interface]\nListenPort = 9\n", { mode: 0o600 });
    const commandLine = Buffer.concat([Buffer.from("node\0wasmguard\0up\0"), path, Buffer.from([0])]);
    const [argument] = rawArguments([path.toString()], () => commandLine);
    const config = openConfigFile(argument!);
    expect(config.tunnel().listenPort).toBe(9);
    expect(Buffer.from(encodeRawText(config.path))).toEqual(path);
  });
});

describe("raw text", () => {
  it("comes back byte for byte, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(encodeRawText(decodeRawText(bytes))).toEqual(bytes);
      }),
    );
  });

  it("that is UTF-8 is what it says", () => {
    expect(decodeRawText(Buffer.from("größe 🐧"))).toBe("größe 🐧");
  });

  it.each([["bash"], ["sh"]])("reaches %s byte for byte", (shell) => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 30 }), (bytes) => {
        fc.pre(bytes.at(-1) !== 10);
        const script = `printf %s ${shellWord(decodeRawText(bytes))}`;
        expect(new Uint8Array(execFileSync(shell!, ["-c", script]))).toEqual(bytes);
      }),
      { numRuns: 40 },
    );
  });
});

describe("strip", () => {
  const TEXTS = [
    "[Interface]\nPrivateKey = x # mine\n  Address = 1.2.3.4\n\tListenPort = 7\t\n[Peer]\nAddress = kept\n# comment\nMTU = 5",
    "[interface]\naddress=1\nDNS = 9.9.9.9\nPOSTUP = a = b\nTable=off\nfwmark = 1\n",
    "MTU = 1\n[Interface]\nMTU = 2\n[Peer]\n[INTERFACE] # once more\nSaveConfig = true\nPreDown=#\nPostUp\n",
    "",
    "\n\n",
  ];
  it.for(TEXTS)("prints what wg-quick prints of %j", (text, ctx) => {
    const path = join(folder, "wgstrip.conf");
    writeFileSync(path, text, { mode: 0o600 });
    const obstacle = privateRunObstacle("wg-quick");
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const quick = spawnSync("wg-quick", ["strip", path], { encoding: "utf8" });
    expect(Buffer.from(strip(Buffer.from(text))).toString()).toBe(quick.stdout);
  });
});

describe("an endpoint", () => {
  it("that is numeric is not looked up, and spelled as the C library does", async () => {
    expect(await resolveEndpoint("192.0.2.1", 51820)).toBe("192.0.2.1:51820");
    expect(await resolveEndpoint("2001:DB8:0::1", 51820)).toBe("[2001:db8::1]:51820");
    expect(await resolveEndpoint("fe80::1%lo", 1)).toBe("[fe80::1%lo]:1");
  });

  it("that is a name is resolved", async () => {
    expect(await resolveEndpoint("localhost", 7)).toMatch(/^(127\.0\.0\.1|\[::1\]):7$/);
  });

  it("that cannot be resolved is an error that names it, after the retries", async () => {
    vi.stubEnv("WG_ENDPOINT_RESOLUTION_RETRIES", "0");
    const failure = resolveEndpoint("nowhere.invalid", 7);
    await expect(failure).rejects.toThrow(CliError);
    await expect(failure).rejects.toThrow(/^cannot resolve the endpoint nowhere\.invalid \(E\w+\)$/);
    vi.stubEnv("WG_ENDPOINT_RESOLUTION_RETRIES", "many");
    await expect(resolveEndpoint("nowhere.invalid", 7)).rejects.toThrow("is not a number");
  });
});

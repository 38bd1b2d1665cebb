/** Which file and interface `up` takes, and how endpoints' names are resolved. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { CliError } from "../../../host/cli/errors.ts";
import { resolveEndpoint } from "../../../host/cli/quick/endpoint.ts";
import { readConfigFile } from "../../../host/cli/quick/file.ts";

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
    const { interfaceName, settings } = readConfigFile(file("wg-a=b+c_d.1.conf"));
    expect(interfaceName).toBe("wg-a=b+c_d.1");
    expect(settings.tunnel.listenPort).toBe(7);
  });

  it.each(["wg0.txt", "averyveryverylongname.conf", "a b.conf", ".conf"])("%s names none", (name) => {
    expect(() => readConfigFile(file(name))).toThrow(/does not name an interface$/);
  });

  it("that is a name is looked for in /etc/wireguard", () => {
    expect(() => readConfigFile("wgnone7")).toThrow("/etc/wireguard/wgnone7.conf does not exist");
    expect(() => readConfigFile("./wgnone7.conf")).toThrow("./wgnone7.conf does not exist");
  });

  it("that anyone may read is warned of", () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    readConfigFile(file("wg0.conf"));
    expect(write).not.toHaveBeenCalled();
    chmodSync(folder, 0o755);
    const path = file("wg1.conf", 0o644);
    readConfigFile(path);
    expect(write).toHaveBeenCalledWith(`Warning: \`${path}' is world accessible\n`);
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

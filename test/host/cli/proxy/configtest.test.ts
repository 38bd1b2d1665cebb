/** `--configtest` checks all of the command line, also what matters only once the proxy runs. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { proxy } from "../../../../host/cli/proxy/command.ts";

/** The exit code for a configuration that is right, without a key that is anybody's. */
function check(...flags: string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-configtest-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "office.conf");
  const key = (fill: number): string => Buffer.alloc(32, fill).toString("base64");
  writeFileSync(
    file,
    `[Interface]\nPrivateKey = ${key(1)}\nAddress = 10.0.0.1/32\n[Peer]\nPublicKey = ${key(9)}\nAllowedIPs = 0.0.0.0/0\n`,
  );
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  return proxy([file, "--configtest", "--socks", "1080", ...flags]);
}

it.each(["--idle=60", "--connections=10", "--drain=0", "--info=9090", "--web=[::1]:0"])("takes %s", async (flag) => {
  expect(await check(flag)).toBe(0);
});

it.each(["--idle=soon", "--connections=0", "--drain=-1", "--info=here", "--web=127.0.0.1"])(
  "refuses %s",
  async (flag) => {
    const [name = ""] = flag.split("=");
    await expect(check(flag)).rejects.toThrow(name);
  },
);

it("reads no file that is larger than any configuration", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-configtest-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const large = join(folder, "large.conf");
  writeFileSync(large, "");
  truncateSync(large, 2 ** 32);
  await expect(proxy([large, "--configtest"])).rejects.toThrow("too large");
});

/** Who runs a proxy without rights, and who of several users of one machine may use it; and ssh, to a server that is nobody either. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, cpSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, type TestContext } from "vitest";
import { waitFor } from "./support/exec.ts";
import { wasmguardOnNode } from "./support/implementations.ts";
import { FAR, NOBODY, ProxyBed, type User } from "./support/proxy-bed.ts";
import { ASSOCIATE_BY_TWO_USERS } from "./support/proxy-clients.ts";
import { requireLab } from "./support/requirements.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OTHER: User = { uid: 65533 };
const SCRIPT_MS = 30_000;
const WEB = `
import { createServer } from "node:http";
createServer((request, response) => response.end("inside, from " + request.socket.remoteAddress)).listen(8080, "::");
`;
const DATAGRAM_ECHO = `
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
const socket = createSocket("udp4");
socket.on("message", (message, from) => socket.send("heard " + message, from.port, from.address));
socket.bind(7777, () => createServer().listen(7777));
`;

async function open(ctx: TestContext, ...tools: string[]): Promise<ProxyBed> {
  requireLab(ctx, "curl", "dnsmasq", "setpriv", "unshare", ...tools);
  const bed = await ProxyBed.open(ctx, wasmguardOnNode);
  await bed.serveNames({ "web.internal": [FAR.ipv4, FAR.ipv6], "git.internal": [FAR.ipv4] });
  await bed.serve(8080, WEB);
  return bed;
}

describe("a proxy", () => {
  it("runs in a user namespace of its own, where it has no right either", async (ctx) => {
    const bed = await open(ctx);
    const proxy = await bed.proxyAs({ ...NOBODY, namespace: "own" }, bed.configuration, "--socks", "0", "--http", "0");
    expect(readlinkSync(`/proc/${bed.proxyPid()}/ns/user`)).not.toBe(readlinkSync("/proc/self/ns/user"));
    for (const way of [`socks5h://127.0.0.1:${proxy.port("SOCKS5")}`, `http://127.0.0.1:${proxy.port("http")}`]) {
      for (const host of ["web.internal", `[${FAR.ipv6}]`]) {
        const curl = ["curl", "-sS", "--max-time", "20", "-x", way, `http://${host}:8080/`];
        expect(await bed.client.run(bed.command(curl), { timeoutMs: SCRIPT_MS })).toMatch(/^inside, from /);
      }
    }
    proxy.process.kill("SIGTERM");
    expect(await waitFor(() => proxy.process.exitCode !== null, 20_000)).toBe(true);
    expect(proxy.process.exitCode).toBe(0);
  }, 90_000);

  it("hears no more of a user who guesses its password, and goes on hearing the others", async (ctx) => {
    const bed = await open(ctx);
    const password = bed.topology.file("password", "secret\n");
    chmodSync(bed.topology.directory, 0o755);
    chmodSync(password, 0o644);
    const login = ["--user", "ann", "--password-file", password];
    const proxy = await bed.proxy(bed.configuration, "--socks", "0", "--http", "0", ...login);
    const [socks, http] = [`127.0.0.1:${proxy.port("SOCKS5")}`, `127.0.0.1:${proxy.port("http")}`];
    const curl = (user: User, way: string) =>
      bed.client.attempt(
        bed.command(["curl", "-sS", "--max-time", "20", "-x", way, "http://web.internal:8080/"], user),
        { timeoutMs: SCRIPT_MS },
      );
    for (const user of [NOBODY, OTHER]) {
      expect((await curl(user, `socks5h://ann:secret@${socks}`)).stdout).toMatch(/^inside/);
      expect((await curl(user, `http://ann:secret@${http}`)).stdout).toMatch(/^inside/);
    }
    const guesses = `for i in $(seq 11); do curl -s -x socks5h://ann:$i@${socks} http://web.internal/; done; true`;
    await bed.client.run(bed.command(["sh", "-c", guesses], OTHER), { timeoutMs: SCRIPT_MS });
    const more = `for i in $(seq 11); do curl -s -o /dev/null -x http://ann:$i@${http} http://web.internal/; done; true`;
    await bed.client.run(bed.command(["sh", "-c", more], OTHER), { timeoutMs: SCRIPT_MS });
    // 97: the proxy's handshake failed.
    expect((await curl(OTHER, `socks5h://ann:secret@${socks}`)).code).toBe(97);
    expect((await curl(OTHER, `http://ann:secret@${http}`)).stdout).toMatch(/^Too many wrong passwords/);
    expect((await curl(NOBODY, `socks5h://ann:secret@${socks}`)).stdout).toMatch(/^inside/);
    expect((await curl(NOBODY, `http://ann:secret@${http}`)).stdout).toMatch(/^inside/);
  }, 120_000);

  it("gives a UDP association to the user who asked for it, whoever speaks first", async (ctx) => {
    const bed = await open(ctx);
    await bed.serve(7777, DATAGRAM_ECHO);
    const proxy = await bed.proxy(bed.configuration, "--socks", "0");
    const node = [wasmguardOnNode.command[0]!, "--input-type=module", "-e", ASSOCIATE_BY_TWO_USERS];
    const heard = await bed.client.run([...node, `${proxy.port("SOCKS5")}`, FAR.ipv4, "7777"], {
      timeoutMs: SCRIPT_MS,
    });
    expect(JSON.parse(heard)).toEqual({ client: ["heard client", "heard again"], stranger: [] });
  }, 60_000);
});

describe("ssh", () => {
  /** An sshd without rights, which lets nobody in: the user of that name, by a key. @returns the path of that key */
  async function serve(bed: ProxyBed, port: number): Promise<string> {
    const folder = join(bed.topology.directory, "ssh");
    mkdirSync(folder);
    const mine = (name: string, text?: string): string => {
      const path = join(folder, name);
      if (text !== undefined) writeFileSync(path, text, { mode: 0o600 });
      chownSync(path, NOBODY.uid, NOBODY.uid);
      return path;
    };
    for (const name of ["host", "user"])
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
    const config = mine(
      "sshd_config",
      `Port ${port}
HostKey ${mine("host")}
AuthorizedKeysFile ${mine("user.pub")}
PasswordAuthentication no
PidFile none
StrictModes no
UsePAM no
`,
    );
    // It runs the user's shell, and nobody's is one that refuses; nor does it let in whose account is locked.
    const [users, shadow] = [join(folder, "passwd"), join(folder, "shadow")];
    writeFileSync(users, `root:x:0:0::/:/bin/sh\nnobody:x:${NOBODY.uid}:${NOBODY.uid}::/:/bin/sh\n`);
    writeFileSync(shadow, "nobody:*:20000::::::\n");
    const drop = `setpriv --reuid=${NOBODY.uid} --regid=${NOBODY.uid} --clear-groups --bounding-set=-all --no-new-privs`;
    const start = `mount --bind ${users} /etc/passwd && mount --bind ${shadow} /etc/shadow && exec ${drop} /usr/sbin/sshd -D -e -f ${config}`;
    bed.start(bed.far, ["unshare", "--mount", "sh", "-c", start]);
    const listening = ["ss", "-ltnH", `sport = :${port}`];
    expect(await waitFor(async () => (await bed.far.run(listening)).trim() !== "", 20_000)).toBe(true);
    return mine("user");
  }

  it("reaches OpenSSH's server by the example's ProxyCommand, with megabytes and exit codes", async (ctx) => {
    const bed = await open(ctx, "ssh", "ssh-keygen", "/usr/sbin/sshd");
    chmodSync(bed.topology.directory, 0o755);
    const key = await serve(bed, 2222);
    // As in a user's folder: the example, his configuration, and the command in his path.
    const home = join(bed.topology.directory, "home");
    mkdirSync(home);
    cpSync(join(ROOT, "examples/ssh_config"), join(home, "ssh_config"));
    writeFileSync(join(home, "office.conf"), bed.configuration, { mode: 0o600 });
    chownSync(join(home, "office.conf"), NOBODY.uid, NOBODY.uid);
    symlinkSync(wasmguardOnNode.command.at(-1)!, join(home, "wasmguard"));
    const path = [home, join(ROOT, "node_modules/.bin"), process.env.PATH].join(delimiter);
    const options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "BatchMode=yes"];
    const ssh = `ssh -F ssh_config -p 2222 -i ${key} ${options.map((option) => `-o ${option}`).join(" ")} nobody@git.internal`;
    const run = (script: string) =>
      bed.client.attempt(bed.command(["sh", "-c", script]), { cwd: home, env: { PATH: path }, timeoutMs: 60_000 });
    expect(await run(`${ssh} 'id -u; exit 7'`)).toMatchObject({ code: 7, stdout: `${NOBODY.uid}\n`, stderr: "" });
    const there = await run(`head -c 5000000 /dev/zero | ${ssh} sha256sum`);
    expect(there).toMatchObject({ code: 0, stderr: "" });
    expect(there.stdout.split(" ")[0]).toBe(createHash("sha256").update(Buffer.alloc(5_000_000)).digest("hex"));
    expect(await run(`${ssh} 'head -c 5000000 /dev/zero' | wc -c`)).toMatchObject({ code: 0, stdout: "5000000\n" });
  }, 180_000);
});

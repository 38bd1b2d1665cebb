/**
 * The network stack against Linux: a process without an interface near by, a kernel behind a daemon far away, and the usual programs at
 * both ends. Everything goes both ways and by both families.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { waitFor } from "./support/exec.ts";
import { subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun, findProgram } from "./support/requirements.ts";
import { INSIDE, StackBed, throughTunnel } from "./support/stack-bed.ts";
import type { Namespace } from "./support/topology.ts";

const BYTES = 32 << 20;
const DIGEST = 9000;
const TLS = 9443;
const IPERF = 5201;
const ECHO = 9007;
const SSH = 9022;
const DNS = 53;
const CLIENTS = fileURLToPath(new URL("./support/many-clients.ts", import.meta.url));
const families = ["ipv4", "ipv6"] as const;

function url(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Answers what it gets up to the end of the other side with its SHA-256: a half-close that matters. */
function startDigest(namespace: Namespace): void {
  namespace.start(["socat", `TCP6-LISTEN:${DIGEST},ipv6only=0,fork,reuseaddr`, "EXEC:sha256sum"]);
}

async function listens(namespace: Namespace, port: number): Promise<void> {
  await waitFor(async () => (await namespace.run(["ss", "-Hltn"])).includes(`:${port} `), 10_000);
}

describe.each([subject, wireguardGo])("the network stack, with Linux behind $name", (implementation) => {
  test("carries bytes whole, both ways and by both families, and ends one direction at a time", async (ctx) => {
    if (!findProgram("socat")) cannotRun(ctx, "socat is not installed");
    const bed = await StackBed.open(ctx, implementation, [DIGEST], [DIGEST]);
    startDigest(bed.far);
    startDigest(bed.near);
    await listens(bed.far, DIGEST);
    await listens(bed.near, DIGEST);
    const file = join(bed.topology.directory, "bytes");
    const bytes = randomBytes(BYTES);
    writeFileSync(file, bytes);
    const digest = createHash("sha256").update(bytes).digest("hex");
    for (const family of families) {
      const send = (namespace: Namespace, to: string) =>
        namespace.run(["sh", "-c", `socat -t 60 - TCP:${to} <${file}`], { timeoutMs: 50_000 });
      expect(await send(bed.near, `127.0.0.1:${throughTunnel(DIGEST, family)}`), `${family} out`).toContain(digest);
      expect(await send(bed.far, url(INSIDE.near[family], DIGEST)), `${family} in`).toContain(digest);
    }
  }, 240_000);

  test("carries iperf3, TLS and HTTP in both roles", async (ctx) => {
    for (const program of ["iperf3", "openssl", "curl"])
      if (!findProgram(program)) cannotRun(ctx, `${program} is not installed`);
    const bed = await StackBed.open(ctx, implementation, [IPERF, TLS], [IPERF, TLS]);
    const key = join(bed.topology.directory, "key.pem");
    const certificate = join(bed.topology.directory, "certificate.pem");
    const request = [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-subj",
      "/CN=test",
      "-keyout",
      key,
      "-out",
      certificate,
    ];
    await bed.near.run(["openssl", ...request]);
    for (const namespace of [bed.near, bed.far]) {
      namespace.start(["iperf3", "-s"]);
      namespace.start([
        "openssl",
        "s_server",
        "-accept",
        `${TLS}`,
        "-cert",
        certificate,
        "-key",
        key,
        "-www",
        "-quiet",
      ]);
      await listens(namespace, IPERF);
      await listens(namespace, TLS);
    }
    for (const family of families) {
      const targets = [
        { namespace: bed.near, host: "127.0.0.1", port: (port: number) => throughTunnel(port, family) },
        { namespace: bed.far, host: INSIDE.near[family], port: (port: number) => port },
      ];
      for (const { namespace, host, port } of targets) {
        for (const direction of [[], ["-R"]]) {
          const iperf = ["iperf3", "-c", host, "-p", `${port(IPERF)}`, "-n", "16M", "-J", ...direction];
          const result = JSON.parse(await namespace.run(iperf, { timeoutMs: 50_000 }));
          // What iperf3 counts when the sender has written all; some of it is still on its way then.
          expect(result.end.sum_sent.bytes).toBeGreaterThanOrEqual(16 << 20);
          expect(result.end.sum_received.bytes).toBeGreaterThan(1 << 20);
        }
        const page = await namespace.run(["curl", "-sk", "--max-time", "20", `https://${url(host, port(TLS))}/`]);
        expect(page).toContain("TLSv1.3");
        const hello = `echo | openssl s_client -connect ${url(host, port(TLS))} -brief 2>&1`;
        expect(await namespace.run(["sh", "-c", hello])).toContain("CONNECTION ESTABLISHED");
      }
    }
  }, 300_000);

  test("answers ping and pings, in fragments too, and looks names up", async (ctx) => {
    if (!findProgram("dnsmasq")) cannotRun(ctx, "dnsmasq is not installed");
    const bed = await StackBed.open(ctx, implementation, [DNS], []);
    const many = Array.from({ length: 120 }, (_, i) => `--host-record=many.test,192.0.2.${i + 1}`);
    const records = ["--host-record=db.test,192.0.2.7,2001:db8::7", "--cname=www.test,db.test", ...many];
    bed.far.start(["dnsmasq", "-k", "-h", "-R", `--port=${DNS}`, "--user=root", "--pid-file=", ...records]);
    await listens(bed.far, DNS);
    for (const family of families) {
      for (const bytes of [56, 4000]) {
        expect(await bed.ask({ command: "ping", address: INSIDE.far[family], bytes })).toBe(`${bytes} bytes`);
        const output = await bed.far.run(["ping", "-c", "3", "-i", "0.2", "-s", `${bytes}`, INSIDE.near[family]]);
        expect(output).toContain(" 0% packet loss");
      }
    }
    expect(await bed.ask({ command: "resolve", name: "db.test", kind: "A" })).toEqual(["192.0.2.7"]);
    expect(await bed.ask({ command: "resolve", name: "www.test", kind: "AAAA" })).toEqual(["2001:db8::7"]);
    expect(await bed.ask({ command: "resolve", name: "none.test", kind: "A" })).toMatch(/^E(NOTFOUND|REFUSED)$/);
    // More than fits into a datagram: by TCP.
    expect(await bed.ask({ command: "resolve", name: "many.test", kind: "A" })).toHaveLength(64);
    for (const family of families) {
      const dig = (...words: string[]) =>
        bed.near.run(["dig", "+short", "@127.0.0.1", "-p", `${throughTunnel(DNS, family)}`, ...words]);
      expect(await dig("db.test", "AAAA"), `${family} UDP`).toBe("2001:db8::7\n");
      expect(await dig("+tcp", "db.test", "A"), `${family} TCP`).toBe("192.0.2.7\n");
      expect((await dig("many.test", "A")).trim().split("\n"), `${family} UDP, then TCP`).toHaveLength(120);
    }
  }, 60_000);

  test("carries ssh in both roles", async (ctx) => {
    for (const program of ["dropbear", "dropbearkey", "dbclient", "unshare"])
      if (!findProgram(program)) cannotRun(ctx, `${program} is not installed`);
    const bed = await StackBed.open(ctx, implementation, [SSH], [SSH]);
    const { directory } = bed.topology;
    const [key, hostKey] = [join(directory, "key"), join(directory, "host-key")];
    for (const file of [key, hostKey]) await bed.near.run(["dropbearkey", "-t", "ed25519", "-f", file]);
    const home = join(directory, "home");
    mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
    const publicKey = (await bed.near.run(["dropbearkey", "-y", "-f", key])).match(/^ssh-ed25519 .*$/m)?.[0];
    writeFileSync(join(home, ".ssh", "authorized_keys"), `${publicKey}\n`, { mode: 0o600 });
    for (const [name, namespace] of Object.entries({ near: bed.near, far: bed.far })) {
      // It looks for keys in the user's home, so that one lies over the true one, for its eyes only.
      const script = 'mount --bind "$0" "$1" && shift && exec dropbear -F -s "$@"';
      const server = ["-r", hostKey, "-p", `${SSH}`, "-P", join(directory, `${name}.pid`)];
      const unshare = ["unshare", "--mount", "--propagation", "private"];
      namespace.start([...unshare, "sh", "-c", script, home, homedir(), ...server]);
      await listens(namespace, SSH);
    }
    const file = join(directory, "bytes");
    const bytes = randomBytes(BYTES / 16);
    writeFileSync(file, bytes);
    const digest = createHash("sha256").update(bytes).digest("hex");
    for (const family of families) {
      const targets = [
        { namespace: bed.near, host: "127.0.0.1", port: throughTunnel(SSH, family) },
        { namespace: bed.far, host: INSIDE.near[family], port: SSH },
      ];
      for (const { namespace, host, port } of targets) {
        const client = `dbclient -y -y -i ${key} -p ${port} root@${host}`;
        const there = await namespace.run(["sh", "-c", `${client} sha256sum <${file}`], { timeoutMs: 30_000 });
        expect(there, `${family} to ${host}`).toContain(digest);
        const back = await namespace.run(["sh", "-c", `${client} cat ${file} | sha256sum`], { timeoutMs: 30_000 });
        expect(back, `${family} from ${host}`).toContain(digest);
      }
    }
  }, 180_000);

  test("carries a thousand connections at once", async (ctx) => {
    const bed = await StackBed.open(ctx, implementation, [], []);
    const echo = `require("net").createServer({allowHalfOpen:true},(s)=>s.pipe(s)).listen({port:${ECHO},host:"::",backlog:2048})`;
    bed.far.start([process.execPath, "-e", echo]);
    await listens(bed.far, ECHO);
    for (const family of families) {
      const command = { command: "many", address: INSIDE.far[family], port: ECHO, count: 1000 } as const;
      expect(await bed.ask(command), `${family} out`).toBe(1000);
    }
    expect(await bed.ask({ command: "echo", port: ECHO })).toBe("listens");
    for (const family of families) {
      const clients = [process.execPath, CLIENTS, INSIDE.near[family], `${ECHO}`, "1000"];
      expect(await bed.far.run(clients, { timeoutMs: 50_000 }), `${family} in`).toBe("1000\n");
    }
    // The last acknowledgements may still be on their way.
    const idle = async () => isDeepStrictEqual(await bed.ask({ command: "idle" }), { connections: 0, memory: 0 });
    expect(await waitFor(idle, 20_000)).toBe(true);
  }, 180_000);
});

/** pg against PostgreSQL. */
import { chownSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, makeCertificate } from "./support/certificate.ts";
import { HOST, reach } from "./support/reach.ts";
import { makeDirectory, prepare, type RunningServer, startServer } from "./support/server.ts";

/** Debian keeps the programs of each version apart. */
function programs(): string {
  const [newest] = readdirSync("/usr/lib/postgresql").sort((left, right) => Number(right) - Number(left));
  return `/usr/lib/postgresql/${newest}/bin`;
}

let server: RunningServer;
let certificate: Certificate;

beforeAll(async () => {
  const directory = makeDirectory("postgres");
  const data = join(directory, "data");
  const options = ["-D", data, "-U", "admin", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"];
  prepare(directory, { command: `${programs()}/initdb`, args: options });
  certificate = makeCertificate();
  for (const [name, text] of [
    ["server.key", certificate.key],
    ["server.crt", certificate.cert],
  ] as const) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    const { uid, gid } = statSync(data);
    chownSync(join(data, name), uid, gid);
  }
  server = await startServer(directory, (port) => {
    const settings = ["ssl=on", "fsync=off", "shared_buffers=8MB", "listen_addresses=127.0.0.1"];
    const args = ["-D", data, "-k", directory, "-p", String(port), ...settings.flatMap((each) => ["-c", each])];
    return { command: `${programs()}/postgres`, args };
  });
});
afterAll(() => server?.stop());

async function connected(options: object = {}): Promise<Untyped> {
  const network = await reach(server.port);
  const stream = () => network.socket();
  const client = new pg.Client({
    host: HOST,
    port: server.port,
    user: "admin",
    database: "postgres",
    stream,
    ...options,
  });
  await client.connect();
  return client;
}

describe("pg through a tunnel", () => {
  it("asks, and gets answers larger than any window", async () => {
    const client = await connected();
    const { rows } = await client.query("select $1::int + 1 as sum", [41]);
    expect(rows).toEqual([{ sum: 42 }]);
    const text = "x".repeat(3_000_000);
    const large = await client.query("select $1::text || repeat('y', 3000000) as text", [text]);
    expect(large.rows[0].text).toBe(text + "y".repeat(3_000_000));
    await client.end();
  });

  it("turns the connection into TLS, with the server's certificate checked by name", async () => {
    const client = await connected({ ssl: { ca: certificate.cert } });
    const { rows } = await client.query("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()");
    expect(rows).toEqual([{ ssl: true, version: "TLSv1.3" }]);
    await client.end();
    await expect(connected({ ssl: {} })).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  });

  it("keeps a pool, hears notifications, and is told when its session is ended", async () => {
    const network = await reach(server.port);
    const stream = () => network.socket();
    const pool = new pg.Pool({ host: HOST, port: server.port, user: "admin", database: "postgres", stream, max: 4 });
    const sums = await Promise.all(Array.from({ length: 40 }, (_, i) => pool.query("select $1::int as i", [i])));
    expect(sums.map(({ rows }) => rows[0].i)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    const listener = await pool.connect();
    const heard = new Promise((resolve) => listener.once("notification", resolve));
    await listener.query("listen news");
    await pool.query("notify news, 'hello'");
    expect(await heard).toMatchObject({ channel: "news", payload: "hello" });
    const ended = new Promise((resolve) => listener.once("error", resolve));
    const { rows } = await listener.query("select pg_backend_pid() as pid");
    await pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
    expect(await ended).toMatchObject({ code: "57P01" });
    listener.release(true);
    await pool.end();
  });
});

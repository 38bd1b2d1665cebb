/** pg against PostgreSQL. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, makeCertificate } from "./support/certificate.ts";
import { type Postgres, startPostgres } from "./support/postgres.ts";
import { HOST, reach } from "./support/reach.ts";

let server: Postgres;
let certificate: Certificate;

beforeAll(async () => {
  certificate = makeCertificate();
  server = await startPostgres(certificate);
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
    // It may be told twice: by the server's last words, and when the connection has gone.
    const ended = new Promise((resolve) => listener.on("error", resolve));
    const { rows } = await listener.query("select pg_backend_pid() as pid");
    await pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
    expect(await ended).toMatchObject({ code: "57P01" });
    listener.release(true);
    await pool.end();
  });
});

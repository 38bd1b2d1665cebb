/** mysql2 against MariaDB. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection, createPool } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, makeCertificate } from "./support/certificate.ts";
import { HOST, reach } from "./support/reach.ts";
import { makeDirectory, prepare, type RunningServer, startServer } from "./support/server.ts";

const PROGRAM = "/usr/sbin/mariadbd";
let server: RunningServer;
let certificate: Certificate;

/** What mariadb-install-db says, which needs a package more: no account for root without the socket, one for the tests. */
function systemTables(): string {
  const read = (name: string): string => readFileSync(`/usr/share/mysql/mysql_${name}.sql`, "utf8");
  return `create database mysql;
use mysql;
set @auth_root_socket = 'nobody';
${read("system_tables")}
${read("performance_tables")}
${read("system_tables_data")}
flush privileges;
create user tester@'%' identified by 'secret';
grant all on *.* to tester@'%';
`;
}

beforeAll(async () => {
  const directory = makeDirectory("mariadb");
  const data = join(directory, "data");
  const small = ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0"];
  const always = ["--no-defaults", `--datadir=${data}`, ...small, "--max-allowed-packet=64M"];
  prepare(directory, { command: "mkdir", args: [data] });
  prepare(directory, { command: PROGRAM, args: [...always, "--bootstrap"] }, systemTables());
  certificate = makeCertificate();
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  // Root's files in nobody's directory, and nobody is to read them; the key is worth nothing.
  writeFileSync(key, certificate.key, { mode: 0o644 });
  writeFileSync(cert, certificate.cert, { mode: 0o644 });
  server = await startServer(directory, (port) => {
    const where = [`--port=${port}`, "--bind-address=127.0.0.1", `--socket=${join(directory, "s")}`];
    return {
      command: PROGRAM,
      args: [...always, ...where, "--skip-name-resolve", `--ssl-key=${key}`, `--ssl-cert=${cert}`],
    };
  });
});
afterAll(() => server?.stop());

async function account(): Promise<{ user: string; password: string; stream: () => unknown }> {
  const network = await reach(server.port);
  return { user: "tester", password: "secret", stream: () => network.connect({ host: HOST, port: server.port }) };
}

describe("mysql2 through a tunnel", () => {
  it("asks, prepares, and gets answers larger than any window", async () => {
    const connection = await createConnection(await account());
    expect((await connection.query("select 41 + ? as sum", [1]))[0]).toEqual([{ sum: 42 }]);
    const text = "x".repeat(3_000_000);
    const [rows] = await connection.execute("select concat(?, repeat('y', 3000000)) as text", [text]);
    expect(rows[0].text).toBe(text + "y".repeat(3_000_000));
    await connection.end();
  });

  it("turns the connection into TLS", async () => {
    const ssl = { ca: certificate.cert, minVersion: "TLSv1.3" };
    const connection = await createConnection({ ...(await account()), host: HOST, ssl });
    const [rows] = await connection.query("show status like 'Ssl_version'");
    expect(rows).toEqual([{ Variable_name: "Ssl_version", Value: "TLSv1.3" }]);
    await connection.end();
  });

  it("keeps a pool, and is told when a connection is killed", async () => {
    const pool = createPool({ ...(await account()), connectionLimit: 4 });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => pool.query("select ? as i", [i])));
    expect(answers.map(([rows]) => rows[0].i)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    const victim = await pool.getConnection();
    const slow = victim.query("select sleep(60)");
    await Promise.all([
      expect(slow).rejects.toMatchObject({
        code: expect.stringMatching(/PROTOCOL_CONNECTION_LOST|ECONNRESET|ER_CONNECTION_KILLED/),
      }),
      pool.query(`kill ${victim.threadId}`),
    ]);
    victim.destroy();
    await pool.end();
  });
});

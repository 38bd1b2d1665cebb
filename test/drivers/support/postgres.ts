/** PostgreSQL of Debian's package, with TLS, for a user "admin" whom it trusts. */
import { chownSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Certificate } from "./certificate.ts";
import { makeDirectory, prepare, type RunningServer, startServer } from "./server.ts";

export interface Postgres extends RunningServer {
  /** Run SQL as its administrator, from this machine. */
  script(sql: string, database?: string): void;
}

/** Debian keeps the programs of each version apart. */
function programs(): string {
  const [newest] = readdirSync("/usr/lib/postgresql").sort((left, right) => Number(right) - Number(left));
  return `/usr/lib/postgresql/${newest}/bin`;
}

export async function startPostgres(certificate?: Certificate): Promise<Postgres> {
  const directory = makeDirectory("postgres");
  const data = join(directory, "data");
  const options = ["-D", data, "-U", "admin", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"];
  prepare(directory, { command: `${programs()}/initdb`, args: options });
  const { uid, gid } = statSync(data);
  const files = certificate === undefined ? [] : Object.entries({ key: certificate.key, crt: certificate.cert });
  for (const [ending, text] of files) {
    const path = join(data, `server.${ending}`);
    writeFileSync(path, text, { mode: 0o600 });
    chownSync(path, uid, gid);
  }
  const tls = certificate === undefined ? [] : ["ssl=on"];
  const server = await startServer(directory, (port) => {
    const settings = [...tls, "fsync=off", "shared_buffers=8MB", "listen_addresses=127.0.0.1"];
    const args = ["-D", data, "-k", directory, "-p", String(port), ...settings.flatMap((each) => ["-c", each])];
    return { command: `${programs()}/postgres`, args };
  });
  const where = ["-h", "127.0.0.1", "-p", String(server.port), "-U", "admin", "-v", "ON_ERROR_STOP=1", "-q"];
  return {
    ...server,
    script: (sql, database = "postgres") => {
      prepare(directory, { command: `${programs()}/psql`, args: [...where, "-d", database] }, sql);
    },
  };
}

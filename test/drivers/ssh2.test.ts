/** ssh2's client against its server. */
import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST, reach } from "./support/reach.ts";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "pkcs1", format: "pem" },
});
/** More than the window of a channel. */
const BYTES = 6_000_000;
let server: Untyped;

/** Lets everybody in who knows the password, and runs what is asked for. */
beforeAll(async () => {
  server = new ssh2.Server({ hostKeys: [privateKey] }, (client: Untyped) => {
    client.on("error", () => {});
    client.on("authentication", (attempt: { method: string; password?: string; accept(): void; reject(): void }) => {
      if (attempt.method === "password" && attempt.password === "secret") attempt.accept();
      else attempt.reject();
    });
    client.on("session", (accept: () => Untyped) => {
      accept().on("exec", (take: () => Untyped, _refuse: unknown, { command }: { command: string }) => {
        const channel = take();
        if (command === "date") channel.write(execFileSync("date", ["+%Y"]));
        else if (command === "count") return void count(channel);
        else channel.write(Buffer.alloc(BYTES, 7));
        channel.exit(0);
        channel.end();
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server?.close());

/** Takes all that comes, and says what it was once the client has ended. */
function count(channel: Untyped): void {
  const hash = createHash("sha256");
  channel.on("data", (chunk: Buffer) => hash.update(chunk));
  channel.on("end", () => {
    channel.write(hash.digest("hex"));
    channel.exit(0);
    channel.end();
  });
}

async function connected(password = "secret"): Promise<Untyped> {
  const { port } = server.address();
  const network = await reach(port);
  const client = new ssh2.Client();
  const ready = once(client, "ready");
  client.connect({ sock: network.connect({ host: HOST, port }), username: "x", password });
  await ready;
  return client;
}

async function output(client: Untyped, command: string, input?: Buffer): Promise<Buffer> {
  const channel = await new Promise<Untyped>((resolve, reject) => {
    client.exec(command, (error: Error | undefined, stream: unknown) => (error ? reject(error) : resolve(stream)));
  });
  channel.end(input);
  const chunks: Buffer[] = [];
  for await (const chunk of channel) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("ssh2 through a tunnel", () => {
  it("logs in, runs commands, and carries megabytes both ways", async () => {
    const client = await connected();
    expect((await output(client, "date")).toString()).toMatch(/^\d{4}\n$/);
    const sent = Buffer.alloc(BYTES, 7);
    const [hash, received] = await Promise.all([output(client, "count", sent), output(client, "send")]);
    expect(hash.toString()).toBe(createHash("sha256").update(sent).digest("hex"));
    expect(received.equals(sent)).toBe(true);
    const closed = once(client, "close");
    client.end();
    await closed;
  });

  it("is told that it is not let in", async () => {
    await expect(connected("wrong")).rejects.toMatchObject({ level: "client-authentication" });
  });
});

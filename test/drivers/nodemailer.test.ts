/** nodemailer against smtp-server, which changes to TLS in the middle of a connection. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createTransport } from "nodemailer";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificate } from "./support/certificate.ts";
import { HOST, reach } from "./support/reach.ts";

const certificate = makeCertificate();
let server: Untyped;
const received: { secure: boolean; text: string }[] = [];

beforeAll(async () => {
  server = new SMTPServer({
    ...certificate,
    onAuth: ({ username, password }: Untyped, _session: unknown, done: (...answer: unknown[]) => void) => {
      if (username === "x" && password === "secret") done(null, { user: username });
      else done(new Error("not you"));
    },
    onData: (stream: AsyncIterable<Buffer>, session: Untyped, done: () => void) => {
      void (async () => {
        let text = "";
        for await (const chunk of stream) text += chunk;
        received.push({ secure: session.secure, text });
        done();
      })();
    },
  });
  server.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
});
afterAll(() => new Promise<void>((resolve) => server.close(resolve)));

async function transport(pass: string): Promise<Untyped> {
  const { port } = server.server.address();
  const network = await reach(port);
  const tls = { ca: certificate.cert };
  const made = createTransport({ host: HOST, port, requireTLS: true, auth: { user: "x", pass }, tls });
  made.getSocket = (_options: unknown, done: (...answer: unknown[]) => void): void => {
    const connection = network.connect({ host: HOST, port });
    connection.once("error", done);
    connection.once("connect", () => done(null, { connection }));
  };
  return made;
}

describe("nodemailer through a tunnel", () => {
  it("delivers a mail with an attachment, over STARTTLS", async () => {
    const mailer = await transport("secret");
    const content = Buffer.alloc(1_500_000, 7);
    const mail = { from: "a@example.com", to: "b@example.com", subject: "hello", text: "hi" };
    await mailer.sendMail({ ...mail, attachments: [{ filename: "x.bin", content }] });
    mailer.close();
    expect(received).toHaveLength(1);
    const [{ secure, text }] = received as [{ secure: boolean; text: string }];
    expect(secure).toBe(true);
    expect(text).toContain("Subject: hello");
    const [encoded] = /(?:[\w+/]{76}\r\n){10,}[\w+/=\r\n]+/.exec(text)!;
    const attached = Buffer.from(encoded, "base64").subarray(0, content.length);
    const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    expect(hash(attached)).toBe(hash(content));
  });

  it("is told that it is not let in", async () => {
    const mailer = await transport("wrong");
    await expect(mailer.verify()).rejects.toMatchObject({ code: "EAUTH" });
    mailer.close();
  });
});

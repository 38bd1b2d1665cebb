import { describe, expect, it } from "vitest";
import { clientOf } from "../../../host/proxy/client.ts";
import { Login, type Verdict } from "../../../host/proxy/login.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function tries() {
  const login = new Login("ann", "secret");
  return (client: string, password: string, now = 0): Verdict =>
    login.check(() => client, bytes("ann"), bytes(password), now);
}

describe("a login", () => {
  it("may be mistyped ten times, and then once every six seconds; right ones do not count", () => {
    const attempt = tries();
    for (let i = 0; i < 10; i++) {
      expect(attempt("me", "secret")).toBe("right");
      expect(attempt("me", "wrong")).toBe("wrong");
    }
    expect(attempt("me", "wrong")).toBe("too many tries");
    expect(attempt("me", "secret")).toBe("too many tries");
    expect(attempt("me", "secret", 5_999)).toBe("too many tries");
    expect(attempt("me", "wrong", 6_000)).toBe("wrong");
    expect(attempt("me", "secret", 6_001)).toBe("too many tries");
    expect(attempt("me", "secret", 12_000)).toBe("right");
    for (let i = 0; i < 10; i++) expect(attempt("me", "wrong", 100_000)).toBe("wrong");
  });

  it("keeps nobody out for another's tries", () => {
    const attempt = tries();
    for (let i = 0; i < 100; i++) attempt("stranger", "wrong");
    expect(attempt("me", "secret")).toBe("right");
  });

  it("asks who tries only until all have their tries again", () => {
    const login = new Login("ann", "secret");
    const asked: number[] = [];
    const attempt = (password: string, now: number): Verdict =>
      login.check(() => `client ${asked.push(now)}`, bytes("ann"), bytes(password), now);
    attempt("secret", 0);
    attempt("wrong", 1000);
    expect(asked).toEqual([1000]);
    attempt("secret", 6_999);
    expect(asked).toEqual([1000, 6_999]);
    attempt("secret", 7_000);
    attempt("secret", 8_000);
    expect(asked).toEqual([1000, 6_999]);
  });

  it("remembers a thousand clients and no more, whoever tried last", () => {
    const attempt = tries();
    for (let i = 0; i < 10; i++) attempt("first", "wrong");
    for (let i = 0; i < 10; i++) attempt("second", "wrong");
    for (let i = 0; i < 1022; i++) attempt(`other ${i}`, "wrong");
    expect(attempt("first", "secret")).toBe("too many tries");
    attempt("one more", "wrong");
    expect(attempt("first", "secret")).toBe("right");
    expect(attempt("second", "secret")).toBe("too many tries");
  });
});

describe("a client", () => {
  const socket = (remoteAddress: string, localAddress = "192.0.2.1") =>
    clientOf({ remoteAddress, localAddress, remotePort: 5000, localPort: 1080 }, (protocol, local, remote) => [
      protocol === "tcp" && local.port === 5000 && remote.port === 1080 ? 1000 : 0,
    ]);

  it("is looked up once for each connection", () => {
    let lookups = 0;
    const users = (): number[] => [1000 + lookups++];
    const connection = { remoteAddress: "127.0.0.1", localAddress: "127.0.0.1", remotePort: 5000, localPort: 1080 };
    expect(clientOf(connection, users)).toBe("user 1000");
    expect(clientOf(connection, users)).toBe("user 1000");
    expect(clientOf({ ...connection }, users)).toBe("user 1001");
  });

  it("of another machine is its address, of IPv6 its network", () => {
    expect(socket("192.0.2.7")).toBe("192.0.2.7");
    expect(socket("::ffff:192.0.2.7", "::ffff:192.0.2.1")).toBe("192.0.2.7");
    expect(socket("2001:db8:0:1::7")).toBe(socket("2001:db8:0:1:ffff::8"));
    expect(socket("2001:db8:0:1::7")).not.toBe(socket("2001:db8:0:2::7"));
    expect(socket("fe80::1%eth0")).toBe(socket("fe80::2%eth0"));
  });

  it("of this machine is its user, and its address where nobody tells", () => {
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) expect(socket(address, address)).toBe("user 1000");
    expect(socket("192.0.2.1")).toBe("user 1000");
    expect(clientOf({ remoteAddress: "127.0.0.1", localAddress: "127.0.0.1" }, undefined)).toBe("127.0.0.1");
    expect(clientOf({ remoteAddress: "127.0.0.1", localAddress: "127.0.0.1" }, () => [])).toBe("127.0.0.1");
  });
});

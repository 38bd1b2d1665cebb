import { expect, it } from "vitest";
import { absoluteTarget, authorityTarget } from "../../../../host/proxy/http/target.ts";

it("an absolute URL is host, port and the path as it was written", () => {
  expect(absoluteTarget("http://Example.org:8080/a/../b?c=%41")).toEqual({
    target: { host: "example.org", port: 8080 },
    host: "example.org:8080",
    path: "/a/../b?c=%41",
  });
  expect(absoluteTarget("http://[2001:db8::1]?q#part")).toEqual({
    target: { host: "2001:db8::1", port: 80 },
    host: "[2001:db8::1]",
    path: "/?q",
  });
});

it.each([
  "ftp://example.org/",
  "https://example.org/",
  "/path",
  "http://example.org\\@other.org/",
  "http://name:word@example.org/",
  "http://example.org/\0ath",
  "http://example.org/a b",
  "http://example.org/\r\nHost: other.org",
  "http://exam\tple.org/",
  "http://example.org/\u00e4",
])("%j is no absolute URL of the proxy's", (url) => {
  expect(absoluteTarget(url)).toBeUndefined();
});

it("an authority is host and port", () => {
  expect(authorityTarget("[::1]:443")).toEqual({ host: "::1", port: 443 });
  for (const bad of ["example.org", "example.org:0", "example.org:65536", "::1:443", "a b:1"]) {
    expect(authorityTarget(bad)).toBeUndefined();
  }
});

/** Requests to the HTTP proxy: targets that can be ones, and fields that neither end early nor smuggle a second message on. */
import fc from "fast-check";
import { expect } from "vitest";
import { isAmbiguous, passingFields } from "../../../host/proxy/http/headers.ts";
import { absoluteTarget, authorityTarget } from "../../../host/proxy/http/target.ts";
import { mutated } from "../mutate.ts";
import type { Target } from "../target.ts";

const URLS = [
  "http://example.org/path?query=1",
  "http://[2001:db8::1]:8080/",
  "HTTP://user:secret@example.org:80",
  "http://192.0.2.1",
  "example.org:443",
  "[::1]:22",
];
const NAMES = [
  "Connection",
  "Content-Length",
  "Transfer-Encoding",
  "Upgrade",
  "Host",
  "X-Own",
  "Proxy-Authorization",
  "TE",
];
const VALUES = [
  "close, x-own",
  "keep-alive, content-length",
  "5",
  "5, 5",
  "+5",
  "chunked",
  "Chunked ",
  "gzip, chunked",
  "a",
];
const name = fc.constantFrom(...NAMES).chain((text) => fc.constantFrom(text, text.toLowerCase(), text.toUpperCase()));
const raw = fc.array(fc.tuple(name, fc.constantFrom(...VALUES)), { maxLength: 8 }).map((pairs) => pairs.flat());
const target = mutated(URLS.map((url) => Buffer.from(url))).map((bytes) => Buffer.from(bytes).toString("latin1"));

const NEVER_PASS = ["connection", "host", "proxy-authorization", "te", "transfer-encoding", "upgrade"];

export const http: Target = {
  name: "http",
  about: "request targets and header fields of the HTTP proxy",
  async open() {
    return fc.property(target, raw, (text, fields) => {
      const absolute = absoluteTarget(text);
      for (const found of [absolute?.target, authorityTarget(text)]) {
        if (found === undefined) continue;
        expect(found.host).toMatch(/^[\w.:-]+$/);
        expect(found.port >= 1 && found.port <= 0xffff).toBe(true);
      }
      if (absolute !== undefined) {
        expect(absolute.path).toMatch(/^\/[!-~]*$/);
        expect(absolute.host).toMatch(/^[\w.:[\]-]+$/);
      }
      const passing = passingFields(fields);
      for (const hop of NEVER_PASS) expect(passing).not.toHaveProperty(hop);
      if (isAmbiguous(fields)) return;
      const lengths = fields.filter((field, i) => i % 2 === 0 && field.toLowerCase() === "content-length");
      expect(lengths.length).toBeLessThanOrEqual(1);
      // What tells where the message ends goes on.
      expect(Object.hasOwn(passing, "content-length")).toBe(lengths.length === 1);
    });
  },
};

/** Answers of name servers: addresses of the family that was asked for, or nothing. */
import { encode } from "@dnsquery/dns-packet";
import fc from "fast-check";
import { expect } from "vitest";
import { readReply } from "../../../host/net/dns/message.ts";
import { address, alias } from "../../host/net/dns/support.ts";
import { hostile } from "../mutate.ts";
import type { Target } from "../target.ts";

const ID = 77;
const QUESTIONS = [
  { name: "a.example", kind: "A" },
  { name: "a.example", kind: "AAAA" },
] as const;
const VALID = QUESTIONS.map(({ name, kind }) =>
  encode({
    type: "response",
    id: ID,
    questions: [{ type: kind, name }],
    answers: [
      alias(name, "b.example"),
      address("b.example", kind === "A" ? "192.0.2.7" : "2001:db8::7"),
      address("b.example", kind === "A" ? "192.0.2.8" : "2001:db8::8"),
    ],
  }),
);

export const dns: Target = {
  name: "dns",
  about: "answers of name servers",
  async open() {
    return fc.property(hostile(VALID, 300), fc.constantFrom(...QUESTIONS), (bytes, question) => {
      const reply = readReply(bytes, ID, question);
      if (reply?.outcome !== "addresses") return;
      expect(reply.addresses.length).toBeGreaterThan(0);
      // An address takes at least its own bytes.
      const bytesEach = question.kind === "A" ? 4 : 16;
      expect(reply.addresses.length * bytesEach).toBeLessThanOrEqual(bytes.length);
      expect(reply.ttl).toBeGreaterThanOrEqual(0);
      for (const address of reply.addresses) expect(address.toBytes()).toHaveLength(bytesEach);
    });
  },
};

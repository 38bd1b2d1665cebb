/** What clients of the UAPI socket may say: requests that are mostly valid, and the same with bytes changed. */
import fc from "fast-check";
import { OWN_PUBLIC, PEER_A, PEER_B, PRESHARED, PRIVATE, ZERO } from "./keys.ts";

const line = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(PEER_A, PEER_B, OWN_PUBLIC, ZERO).map((key) => `public_key=${key}`) },
  { weight: 2, arbitrary: fc.constantFrom(PRIVATE, ZERO, PEER_A).map((key) => `private_key=${key}`) },
  { weight: 2, arbitrary: fc.constantFrom(PRESHARED, ZERO).map((key) => `preshared_key=${key}`) },
  { weight: 6, arbitrary: fc.tuple(fc.ipV4(), fc.nat(33)).map(([ip, bits]) => `allowed_ip=${ip}/${bits}`) },
  { weight: 3, arbitrary: fc.tuple(fc.ipV6(), fc.nat(128)).map(([ip, bits]) => `allowed_ip=-${ip}/${bits}`) },
  { weight: 2, arbitrary: fc.tuple(fc.ipV6(), fc.nat(65536)).map(([ip, port]) => `endpoint=[${ip}]:${port}`) },
  fc.nat(65537).map((port) => `listen_port=${port}`),
  fc.nat(65537).map((seconds) => `persistent_keepalive_interval=${seconds}`),
  fc.constantFrom(
    "remove=true",
    "update_only=true",
    "replace_allowed_ips=true",
    "protocol_version=1",
    "replace_peers=true",
  ),
  fc.constantFrom("fwmark=1", "x", "=", "endpoint=[fe80::1%eth0]:5", "allowed_ip=-"),
);
const request = fc.oneof(
  fc.array(line, { maxLength: 12 }).map((lines) => `set=1\n${lines.map((text) => `${text}\n`).join("")}\n`),
  fc.constantFrom("get=1\n\n", "get=1\nx", "set=1\n\n"),
);
/** Requests, one after the other, that are mostly valid. */
export const transcript = fc
  .array(request, { maxLength: 4 })
  .map((requests) => Buffer.from(requests.join(""), "latin1"));

/** A transcript with bytes changed, removed and inserted. */
export const mutated = fc
  .tuple(
    transcript,
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "cut", "insert", "drop")), { maxLength: 4 }),
  )
  .map(([bytes, changes]) => {
    let result = bytes;
    for (const [where, byte, change] of changes) {
      const at = where % (result.length + 1);
      const [head, tail] = [result.subarray(0, at), result.subarray(at)];
      if (change === "set") result = Buffer.concat([head, Buffer.of(byte), tail.subarray(1)]);
      if (change === "insert") result = Buffer.concat([head, Buffer.of(byte), tail]);
      if (change === "drop") result = Buffer.concat([head, tail.subarray(1)]);
      if (change === "cut") result = head;
    }
    return result;
  });

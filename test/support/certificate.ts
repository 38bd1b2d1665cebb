/** A certificate that signs itself, of keys that are good for two days. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Where there is no openssl: a folder with NAME.pem and NAME.key of those that openssl made elsewhere. */
const READY_MADE = process.env.WASMGUARD_TEST_CERTIFICATES;

/** @param name the host's */
export function certificate(name: string): Certificate {
  const folder = READY_MADE ?? mkdtempSync(join(tmpdir(), "certificate-"));
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  if (READY_MADE !== undefined) return { cert: readFileSync(cert), key: readFileSync(key) };
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
    execFileSync("openssl", ["req", "-x509", ...curve, ...names, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

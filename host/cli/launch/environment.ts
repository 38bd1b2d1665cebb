/**
 * Which environment variables a process of ours may start with. A runtime obeys dozens (NODE_OPTIONS=--inspect, BUN_INSPECT,
 * NODE_V8_COVERAGE …), and the dynamic linker more (LD_PRELOAD): each can put code, a debugger or a dump of memory into a
 * process that handles keys. The daemon gets a few that are known; a command that runs the user's own programs keeps all
 * but the dangerous ones.
 */
import { readFileSync } from "node:fs";
import { variableName } from "../../platform.ts";

export type Environment = Record<string, string | undefined>;

/** What the daemon itself reads, and what the system's library reads without harm. */
const FOR_DAEMON = /^(?:PATH|TZ|LOG_LEVEL|WG_\w+|WASMGUARD_\w+)$/;
/** Deno looks for installed packages there. */
const FOR_DENO = /^(?:HOME|DENO_DIR|XDG_CACHE_HOME)$/;

/** Runtimes, engines, the dynamic linker, the C library, OpenSSL. */
const OBEYED = /^(?:NODE|BUN|DENO|JSC|WTF|UV|V8|LD|OPENSSL|SSL|NAPI|OTEL)_/;
const OBEYED_TOO = new Set(["GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "SSLKEYLOGFILE"]);
/** Of those, what only informs. */
const HARMLESS = new Set([
  "NODE_ENV",
  "NODE_VERSION",
  "NODE_NO_WARNINGS",
  "NODE_DISABLE_COLORS",
  "NODE_EXTRA_CA_CERTS",
  "BUN_INSTALL",
  "DENO_INSTALL",
  "DENO_DIR",
  "DENO_NO_UPDATE_CHECK",
  "DENO_NO_PROMPT",
  "DENO_NODE_SHIM_ACTIVE", // Deno sets it by itself where PATH has no Node
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
]);

/** Whether a runtime or a library does what this variable says. */
export function isObeyed(variable: string): boolean {
  const name = variableName(variable);
  return (OBEYED.test(name) || OBEYED_TOO.has(name)) && !HARMLESS.has(name);
}

/** For the daemon. @param runtime  Deno needs more than the others */
export function daemonEnvironment(environment: Environment, runtime: string): Record<string, string> {
  return pick(environment, (name) => FOR_DAEMON.test(name) || (runtime === "deno" && FOR_DENO.test(name)));
}

/** For a command that runs hooks and the system's programs, which may need what we do not know. */
export function commandEnvironment(environment: Environment): Record<string, string> {
  return pick(environment, (name) => !isObeyed(name));
}

/** The variables that this process was started with: Bun adds those of a file `.env` that lies about. */
export function givenEnvironment(): Environment {
  try {
    const assignments = readFileSync("/proc/self/environ", "utf8").split("\0");
    return Object.fromEntries(
      assignments
        .filter((text) => text.includes("="))
        .map((text) => {
          const [name = ""] = text.split("=", 1);
          return [name, text.slice(name.length + 1)];
        }),
    );
  } catch {
    return process.env; // no /proc
  }
}

function pick(environment: Environment, wanted: (name: string) => boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && wanted(name)) picked[name] = value;
  }
  return picked;
}

// Which variables and flags pass from the caller to a process of ours.
import { execFileSync } from "node:child_process";
import { devNull } from "node:os";
import { expect, test } from "vitest";
import { foreignFlags, knowsDisableSigusr1, selfCommand } from "../../../../host/cli/launch/command.ts";
import { commandEnvironment, daemonEnvironment, isObeyed } from "../../../../host/cli/launch/environment.ts";
import { platform } from "../../../../host/platform.ts";

test("the daemon gets what it reads itself, and nothing that a runtime or a library obeys", () => {
  const given = {
    PATH: "/bin",
    TZ: "UTC",
    LOG_LEVEL: "verbose",
    WG_TUN_FD: "3",
    HOME: "/root",
    NODE_OPTIONS: "--inspect",
    LD_PRELOAD: "/evil.so",
    XPATH: "1",
    PATH_TOO: "1",
    "WG_A\nLD_PRELOAD": "1",
  };
  expect(daemonEnvironment(given, "node")).toEqual({ PATH: "/bin", TZ: "UTC", LOG_LEVEL: "verbose", WG_TUN_FD: "3" });
  expect(daemonEnvironment(given, "deno")).toHaveProperty("HOME");
});

test("a command keeps what its hooks may need, but for what is obeyed", () => {
  const given = { USER: "me", SSH_AUTH_SOCK: "/s", NODE_ENV: "production", NODE_OPTIONS: "-r x", BUN_INSPECT: "1" };
  expect(commandEnvironment(given)).toEqual({ USER: "me", SSH_AUTH_SOCK: "/s", NODE_ENV: "production" });
});

test.for([
  ...["NODE_OPTIONS", "NODE_V8_COVERAGE", "NODE_REPL_EXTERNAL_MODULE", "NODE_DEBUG", "NODE_COMPILE_CACHE", "NODE_PATH"],
  ...["NODE_REDIRECT_WARNINGS", "NODE_ICU_DATA", "NODE_TEST_CONTEXT", "NODE_CHANNEL_FD", "NODE_DEBUG_NATIVE"],
  ...["BUN_INSPECT", "BUN_OPTIONS", "BUN_INSPECT_CONNECT_TO", "BUN_JSC_useDollarVM", "JSC_dumpOptions", "WTF_x"],
  ...["DENO_V8_FLAGS", "DENO_COVERAGE_DIR", "DENO_AUDIT_PERMISSIONS", "DENO_INSPECT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
  ...[
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "GLIBC_TUNABLES",
    "UV_THREADPOOL_SIZE",
    "SSLKEYLOGFILE",
    "OPENSSL_CONF",
  ],
])("%s is obeyed by something", (name) => {
  expect(isObeyed(name)).toBe(true);
});

if (platform() === "win32") {
  test.for(["node_options", "Bun_Inspect", "SslKeyLogFile"])("%s is, since Windows looks at no case", (name) => {
    expect(isObeyed(name)).toBe(true);
  });
}

test("what Deno sets by itself where there is no Node is nobody's hook", () => {
  expect(isObeyed("DENO_NODE_SHIM_ACTIVE")).toBe(false);
});

test("of the caller's flags, memory sizes and warnings are kept, and others are foreign", () => {
  const environment = { NODE_OPTIONS: "--max-old-space-size=64 --inspect=0 -r /evil.js --max_semi_space_size=1" };
  const { args } = selfCommand(["wg0"], environment);
  expect(args).toContain("--max-old-space-size=64");
  expect(args).toContain("--max_semi_space_size=1");
  expect(args.join(" ")).not.toMatch(/inspect|evil/);
  expect(args.at(-1)).toBe("wg0");
  expect(foreignFlags(environment)).toEqual(expect.arrayContaining(["--inspect=0", "-r", "/evil.js"]));
});

test.each([
  ["20.19.0", false],
  ["22.13.1", false],
  ["22.14.0", true],
  ["23.6.1", false],
  ["23.7.0", true],
  ["26.10.0", true],
])("whether Node %s knows --disable-sigusr1: %s", (version, knows) => {
  expect(knowsDisableSigusr1(version)).toBe(knows);
});

test("a runtime that knows --disable-sigusr1 is started with it", () => {
  const knows = execFileSync(process.execPath, ["--help"], { encoding: "utf8" }).includes("--disable-sigusr1");
  expect(selfCommand([], {}).args.includes("--disable-sigusr1")).toBe(knows);
});

test("Node starts without the system's configuration of OpenSSL, which can load code", () => {
  const none = `--openssl-config=${devNull}`;
  expect(selfCommand([], {}).args).toContain(none);
  expect(foreignFlags({ NODE_OPTIONS: none })).not.toContain(none);
  expect(foreignFlags({ NODE_OPTIONS: "--openssl-config=/evil.cnf" })).toContain("--openssl-config=/evil.cnf");
});

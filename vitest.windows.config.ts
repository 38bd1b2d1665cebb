/**
 * Tests in Node for Windows, under Wine (test/windows/run.sh): all of test/host and the network's scripts but for what stands
 * below, and test/windows, which runs the command and the library there in each runtime.
 */
import { defineConfig } from "vitest/config";

/** What is not run there, and why. */
const ELSEWHERE: Record<string, readonly string[]> = {
  "system calls, devices and sockets of Linux": [
    ...[
      "os/linux/**",
      "os/macos/**",
      "ffi/**",
      "direct/**",
      "confine/**",
      "daemon/**",
      "event/tun-descriptor",
      "loop/threads/failure",
    ],
    ...["library/tun-device", "uapi/whose-socket", "event/socket-drops"],
  ],
  "the daemon, and what brings it up": [
    ...["cli/start", "cli/demo", "cli/limits", "cli/refusals", "cli/quick", "cli/quick-file", "cli/show"],
    "cli/quick/macos/**",
    ...["cli/launch/beside", "cli/launch/restart", "cli/completion", "cli/proxy/start", "metrics/server"],
  ],
  "compares with wg, tcpdump or a browser": ["config/parse", "uapi/wg", "proxy/pcap", "web/server", "crypto/browser"],
  "compiles with the system's programs, or starts runtimes of Linux": ["crypto/runtimes", "crypto/documentation"],
};

const elsewhere = Object.values(ELSEWHERE).flat();

export default defineConfig({
  test: {
    include: ["test/{host,net,windows}/**/*.test.ts"],
    exclude: elsewhere.map((path) => `test/host/${path.endsWith("**") ? path : `${path}.test.ts`}`),
    // A process takes seconds to start.
    pool: "threads",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
  },
});

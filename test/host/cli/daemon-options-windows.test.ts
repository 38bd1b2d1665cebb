/** What the daemon's options mean on Windows, whatever system this is. */
import { describe, expect, it, vi } from "vitest";
import { UsageError } from "../../../host/cli/command-errors.ts";
import { startRequest } from "../../../host/cli/daemon-options.ts";

vi.mock("../../../host/platform.ts", async (original) => ({
  ...(await original<typeof import("../../../host/platform.ts")>()),
  tunnelsHavePipes: () => true,
}));
vi.mock("node:path", async (original) => {
  const { win32, posix } = await original<typeof import("node:path")>();
  return { ...win32, win32, posix, default: win32 };
});

function refusal(values: Parameters<typeof startRequest>[1], name = "wg0"): [message: string, nextStep: string] {
  try {
    startRequest([name], values, {});
  } catch (error) {
    if (error instanceof UsageError) return [error.message, error.nextStep];
    throw error;
  }
  throw new Error("it was taken");
}

describe("on Windows", () => {
  it.each([{ metrics: "127.0.0.1:9586" }, { metrics: "/run/metrics.sock", "metrics-token": "C:\\token" }])(
    "$metrics without a port or a token of its own is refused, with what to do instead",
    (values) => {
      expect(refusal(values)).toEqual([
        "--metrics on Windows takes a port of loopback, and --metrics-token",
        expect.stringMatching(/only administrators can read.*--metrics-token FILE/),
      ]);
    },
  );

  it("--metrics with a port and a token is taken", () => {
    const { metrics, metricsToken } = startRequest(
      ["wg0"],
      { metrics: "[::1]:9586", "metrics-token": "C:\\Tunnels\\token" },
      {},
    );
    expect({ metrics, metricsToken }).toEqual({
      metrics: { kind: "port", host: "::1", port: 9586 },
      metricsToken: "C:\\Tunnels\\token",
    });
  });

  it("--web is taken with a token, as the page's address has no place either", () => {
    expect(refusal({ web: "9000" })).toEqual([
      "--web on Windows takes --metrics-token",
      expect.stringMatching(/FILE$/),
    ]);
    const { web } = startRequest(["wg0"], { web: "9000", "metrics-token": "C:\\token" }, {});
    expect(web).toMatchObject({ host: "127.0.0.1", port: 9000, tokenFile: "C:\\token" });
  });

  it.each(["C:\\wintun\\wintun.dll", "d:/wintun.dll"])("--wintun takes %s", (wintun) => {
    expect(startRequest(["wg0"], { wintun }, {}).wintun).toEqual({ file: wintun, unsigned: "refused" });
  });

  it.each([
    "wintun.dll",
    "C:wintun.dll",
    "\\wintun.dll",
    "/wintun.dll",
    "\\\\host\\share\\wintun.dll",
    "\\\\?\\C:\\wintun.dll",
    "",
  ])("--wintun does not take %j: not one file, or of another machine", (wintun) => {
    expect(refusal({ wintun })).toEqual([
      `--wintun is not a whole path: ${JSON.stringify(wintun)}`,
      "Start it with a drive, as C:\\",
    ]);
  });

  it.each([...'\\*?"<>|/:'])("a tunnel's name has no %s: the pipe's would be another's, or none", (letter) => {
    const name = `..${letter}wg0`;
    expect(refusal({}, name)).toEqual([
      `interface name ${JSON.stringify(name)} contains ${JSON.stringify(letter)}`,
      expect.stringMatching(/such as wg0$/),
    ]);
  });

  it("whole paths are those of Windows", () => {
    expect(startRequest(["wg0"], { "metrics-token": "C:\\token" }, {}).metricsToken).toBe("C:\\token");
    expect(refusal({ "metrics-token": "token" })).toEqual([
      '--metrics-token is not a whole path: "token"',
      "Start it with a drive, as C:\\",
    ]);
  });
});

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { PacketCapture } from "../../../host/proxy/pcap.ts";

const TCPDUMP = ["/usr/bin/tcpdump", "/usr/sbin/tcpdump"].find((path) => existsSync(path));

it("a capture can be read by tcpdump, and by its owner alone", (test) => {
  if (TCPDUMP === undefined) return test.skip("tcpdump is not installed");
  const folder = mkdtempSync(join(tmpdir(), "pcap-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "x.pcap");
  // Somebody has made it before, for all to read.
  writeFileSync(path, "", { mode: 0o644 });
  const capture = new PacketCapture(path);
  const packet = Buffer.from(
    "45000020000000004011000 0c0000201c000020204d216 2e000c00006869210a".replaceAll(" ", ""),
    "hex",
  );
  capture.packet(packet, 1_700_000_000_123);
  capture.close();
  capture.packet(packet, 0);
  const text = execFileSync(TCPDUMP, ["-nn", "-tt", "-r", path], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(text).toBe("1700000000.123000 IP 192.0.2.1.1234 > 192.0.2.2.5678: UDP, length 4\n");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

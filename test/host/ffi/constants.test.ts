// The numbers of host/ffi against the C compiler's own headers.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as constants from "../../../host/ffi/constants.ts";
import { ERRNO } from "../../../host/ffi/errno.ts";
import * as layout from "../../../host/ffi/layout.ts";
import { HEADERS, layoutExpressions } from "./support/linux-headers.ts";

/** @returns the values of C integer expressions, or undefined where there is no compiler */
function evaluate(expressions: string[]): number[] | undefined {
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-ffi-"));
  try {
    const lines = expressions.map((text) => `printf("%lld\\n", (long long)(${text}));`);
    writeFileSync(join(directory, "probe.c"), `${HEADERS}int main(void) {\n${lines.join("\n")}\nreturn 0; }\n`);
    try {
      execFileSync("cc", ["-w", "-o", join(directory, "probe"), join(directory, "probe.c")]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return execFileSync(join(directory, "probe"), { encoding: "utf8" }).trim().split("\n").map(Number);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function compare(ctx: { skip: (reason: string) => void }, ours: Map<string, number>): void {
  const values = evaluate([...ours.keys()]);
  if (values === undefined) return ctx.skip("no C compiler here");
  const theirs = [...ours.keys()].map((name, i) => [name, values[i]]);
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
}

test("constants are those of the C headers", (ctx) => {
  const ours = new Map<string, number>();
  for (const group of Object.values(constants)) {
    for (const [name, value] of Object.entries(group)) ours.set(name, value);
  }
  expect(ours.size).toBeGreaterThan(90);
  compare(ctx, ours);
});

test("error numbers are those of the C headers", (ctx) => {
  compare(ctx, new Map(Object.entries(ERRNO)));
});

test("struct layouts are those of the C compiler", (ctx) => {
  const { BY_MACHINE: _, ...structs } = layout;
  compare(ctx, layoutExpressions(structs));
});

test("the shared records have the kernel's layout", (ctx) => {
  const abi = readFileSync(new URL("../../../assembly/abi.ts", import.meta.url), "utf8");
  const value = (name: string) => Number(new RegExp(`${name} = (\\d+)`).exec(abi)![1]);
  compare(
    ctx,
    new Map([
      ["offsetof(struct iovec, iov_base)", value("GATHER_ADDRESS")],
      ["offsetof(struct iovec, iov_len)", value("GATHER_LENGTH")],
      ["sizeof(struct iovec)", value("GATHER_BYTES")],
      ["offsetof(struct virtio_net_hdr, flags)", value("VNET_FLAGS")],
      ["offsetof(struct virtio_net_hdr, gso_type)", value("VNET_GSO_TYPE")],
      ["offsetof(struct virtio_net_hdr, hdr_len)", value("VNET_HDR_LEN")],
      ["offsetof(struct virtio_net_hdr, gso_size)", value("VNET_GSO_SIZE")],
      ["offsetof(struct virtio_net_hdr, csum_start)", value("VNET_CSUM_START")],
      ["offsetof(struct virtio_net_hdr, csum_offset)", value("VNET_CSUM_OFFSET")],
      ["sizeof(struct virtio_net_hdr)", value("VNET_BYTES")],
    ]),
  );
});

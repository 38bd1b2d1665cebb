// Command lines are read as util.parseArgs reads them, which is too slow for a start.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { readArguments } from "../../../host/cli/arguments.ts";
import { UsageError } from "../../../host/cli/command-errors.ts";
import type { OptionRow } from "../../../host/cli/option-table.ts";

const ROWS: Record<string, OptionRow> = {
  foreground: { short: "f", help: "" },
  "no-confine": { help: "" },
  user: { value: "NAME", help: "" },
  local: { short: "L", value: "PORT", many: true, help: "" },
  via: { short: "W", value: "TARGET", help: "" },
};

/** @returns undefined for a wrong command line */
function asNodeReads(args: string[]) {
  const options = Object.fromEntries(
    Object.entries(ROWS).map(([name, { short, value, many }]) => [
      name,
      { type: value === undefined ? "boolean" : "string", ...(short && { short }), ...(many && { multiple: true }) },
    ]),
  ) as NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { values: { ...values }, operands: positionals };
  } catch {
    return undefined;
  }
}

function asWeRead(args: string[]) {
  try {
    const { values, operands } = readArguments(ROWS, args);
    return { values, operands };
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return undefined;
  }
}

it("values, lists, groups of letters and operands", () => {
  expect(asWeRead(["-fL1", "-L", "2", "--local=3=4", "wg0", "--user=", "-W", "-", "--", "-f", "--"])).toEqual({
    values: { foreground: true, local: ["1", "2", "3=4"], user: "", via: "-" },
    operands: ["wg0", "-f", "--"],
  });
});

it("as Node does, also what is wrong", () => {
  const known = ["-f", "-L", "-L8", "-fL", "-fx", "-fW1", "-W", "-", "--", "wg0", "=", ""];
  const long = [
    "--foreground",
    "--foreground=1",
    "--user",
    "--user=",
    "--user=a=b",
    "--local",
    "--no-confine",
    "--no-user",
  ];
  const odd = ["--=x", "---", "--__proto__", "--toString=1", "-=", "--user=-f", "-L-"];
  const word = fc.oneof(fc.constantFrom(...known, ...long, ...odd), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      expect(asWeRead(args)).toEqual(asNodeReads(args));
    }),
    { numRuns: 3000 },
  );
});

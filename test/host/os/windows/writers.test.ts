/** Whom a service's files may belong to and be open for, by what Windows has in its usual folders. */
import { describe, expect, it } from "vitest";
import type { Access } from "../../../../host/os/windows/access.ts";
import { Writers } from "../../../../host/os/windows/service/writers.ts";

const [SYSTEM, ADMINISTRATORS, USERS, AUTHENTICATED] = ["S-1-5-18", "S-1-5-32-544", "S-1-5-32-545", "S-1-5-11"];
const INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
const ME = "S-1-5-21-1-2-3-1001";
const [FULL, MODIFY, READ, ADD_FOLDER, ADD] = [0x1f01ff, 0x1301bf, 0x1200a9, 4, 0x116];

const access = (owner: string, ...grants: [sid: string, rights: number][]): Access => ({
  owner,
  grants: [[SYSTEM, FULL], [ADMINISTRATORS, FULL], ...grants].map(
    ([sid, rights]) => ({ sid, rights }) as Access["grants"][0],
  ),
});

const closed = access(ADMINISTRATORS, [USERS, READ]);
/** As they are on a new Windows. What is not named is as `closed`. */
const USUAL: Readonly<Record<string, Access>> = {
  "C:\\": access(INSTALLER, [USERS, READ], [AUTHENTICATED, ADD_FOLDER]),
  "C:\\Program Files": access(INSTALLER, [INSTALLER, FULL], [USERS, READ]),
  "C:\\ProgramData": access(SYSTEM, [USERS, READ], [USERS, ADD]),
  "C:\\ProgramData\\mine": access(ME, [USERS, READ], [USERS, ADD]),
  "C:\\Users\\me": access(SYSTEM, [ME, FULL]),
  "C:\\made": access(ADMINISTRATORS, [AUTHENTICATED, MODIFY]),
  "D:\\": access(ADMINISTRATORS, [AUTHENTICATED, MODIFY]),
  "D:\\inherits": access(ADMINISTRATORS, [AUTHENTICATED, MODIFY]),
};

const writers = (others: Readonly<Record<string, Access>> = {}, trusted: readonly string[] = []): Writers =>
  new Writers((path) => ({ ...USUAL, ...others })[path] ?? closed, trusted);

describe("a file is taken", () => {
  it.each([
    "C:\\Program Files\\nodejs\\node.exe",
    // Whoever may make folders in C:\ cannot make this one again.
    "C:\\wg\\wg0.conf",
    // Nor in ProgramData, where all may make files, too.
    "C:\\ProgramData\\closed\\wg0.conf",
    "D:\\closed\\wg0.conf",
  ])("%s", (path) => {
    expect(() => writers().require(path)).not.toThrow();
  });
});

describe("a file is refused", () => {
  it.each([
    ["C:\\wg0.conf", "C:\\ may be changed by S-1-5-11"],
    ["C:\\ProgramData\\wg0.conf", "C:\\ProgramData may be changed by S-1-5-32-545"],
    ["C:\\ProgramData\\mine\\wg0.conf", `C:\\ProgramData\\mine belongs to ${ME}`],
    ["C:\\Users\\me\\npm\\wasmguard\\bin\\wasmguard.js", `C:\\Users\\me may be changed by ${ME}`],
    ["C:\\made\\wg\\wg0.conf", "C:\\made may be changed by S-1-5-11"],
    ["D:\\inherits\\wg0.conf", "D:\\inherits may be changed by S-1-5-11"],
  ])("%s", (path, fault) => {
    expect(() => writers().require(path)).toThrow(fault);
  });

  it.each([
    ["write", 2],
    ["append", 4],
    ["delete", 0x10000],
    ["give rights", 0x40000],
    ["take it over", 0x80000],
    ["do everything", 0x10000000],
    ["write, by another name", 0x40000000],
  ])("that others may %s", (_what, rights) => {
    const path = "C:\\Program Files\\a.dll";
    expect(() => writers({ [path]: access(SYSTEM, [USERS, rights]) }).require(path)).toThrow(/a\.dll may be changed/);
  });

  it("by one line with what to do", () => {
    const path = "C:\\made\\wg0.conf";
    expect(() => writers().require(path)).toThrow(
      expect.objectContaining({
        code: "WRITABLE_BY_OTHERS",
        nextStep: expect.stringMatching(
          /icacls "C:\\made" \/inheritance:d, then icacls "C:\\made" \/remove:g \*S-1-5-11$/,
        ),
      }),
    );
    expect(() => writers({ [path]: access(ME) }).require(path)).toThrow(
      expect.objectContaining({ nextStep: expect.stringContaining(`icacls "${path}" /setowner *S-1-5-32-544`) }),
    );
  });
});

it("others may write where they are named", () => {
  expect(() => writers({}, [ME]).require("C:\\Users\\me\\npm\\wasmguard.js")).not.toThrow();
  expect(() => writers({}, [USERS]).require("C:\\made\\wg0.conf")).toThrow();
});

it("who could read a secret is told", () => {
  const path = "C:\\Program Files\\Tunnels\\wg0.conf";
  expect(writers().reader(path)).toBe(USERS);
  expect(writers({ [path]: access(ADMINISTRATORS) }).reader(path)).toBeUndefined();
  expect(writers({ [path]: access(ADMINISTRATORS, [ME, 0x80000000]) }).reader(path)).toBe(ME);
});

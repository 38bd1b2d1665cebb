/** Who may do what with a file, as Windows has it in memory. */
import { expect, it } from "vitest";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import type { FileSecurityCalls, Win32 } from "../../../../host/ffi/windows/win32.ts";
import { accessOf } from "../../../../host/os/windows/access.ts";

const SYSTEM = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
const ADMINISTRATORS = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
const EVERYBODY = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
/** An authority of more than 32 bits, and a subauthority that is no signed number. */
const ODD = [1, 1, 1, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff];

const [ALLOW, DENY, ALLOW_CONDITIONALLY, OBJECT] = [0, 1, 9, 5];
const [OF_FOLDER, FOR_CHILDREN_ONLY] = [0x13, 0x0b];

function entry(type: number, flags: number, mask: number, sid: readonly number[]): number[] {
  return [type, flags, 8 + sid.length, 0, ...new Uint8Array(Uint32Array.of(mask).buffer), ...sid];
}

function list(...entries: readonly number[][]): number[] {
  const bytes = entries.flat();
  const length = 8 + bytes.length;
  return [2, 0, length & 0xff, length >> 8, entries.length, 0, 0, 0, ...bytes];
}

/** What Windows keeps is followed by nothing that may be read. @param dacl undefined: there is none */
function look(owner: readonly number[], dacl: readonly number[] | undefined, error = 0) {
  const bytes = new Uint8Array(32_768);
  const theirs = new Map<bigint, readonly number[]>([[0x1000n, owner]]);
  if (dacl !== undefined) theirs.set(0x2000n, dacl);
  const freed: bigint[] = [];
  const scratch = { bytes, view: new DataView(bytes.buffer), at: (position: number) => 16 + position };
  const win = {
    ...{ base: 0n, scratch, text: (_path: string, position: number) => scratch.at(position) },
    kernel: {
      RtlMoveMemory(to: bigint, from: bigint, length: bigint) {
        const source = theirs.get(from)!;
        expect(Number(length)).toBeLessThanOrEqual(source.length);
        bytes.set(source.slice(0, Number(length)), Number(to) - 16);
      },
      LocalFree: (memory: bigint) => void freed.push(memory),
    },
  };
  const calls = {
    GetNamedSecurityInfoW(...[name, type, what, ownerAt, groupAt, listAt, auditAt, descriptorAt]: number[]) {
      expect([name, type, what, groupAt, auditAt]).toEqual([16 + 64, 1, 5, 0, 0]);
      const put = (at: number, value: bigint) => scratch.view.setBigUint64(at - 16, value, true);
      put(ownerAt!, 0x1000n);
      put(listAt!, dacl === undefined ? 0n : 0x2000n);
      put(descriptorAt!, 0x3000n);
      return error;
    },
  };
  const access = () => accessOf(win as unknown as Win32, calls as unknown as FileSecurityCalls, "C:\\a");
  return { access, freed };
}

it("owner and grants are told, be they conditional; denials and what is for children are not", () => {
  const dacl = list(
    entry(DENY, 0, 0x1f01ff, EVERYBODY),
    entry(ALLOW, OF_FOLDER, 0x1f01ff, SYSTEM),
    entry(ALLOW, FOR_CHILDREN_ONLY, 0x1301bf, EVERYBODY),
    entry(ALLOW_CONDITIONALLY, 0, 0x80000000, ODD),
  );
  const { access, freed } = look(ADMINISTRATORS, dacl);
  expect(access()).toEqual({
    owner: "S-1-5-32-544",
    grants: [
      { sid: "S-1-5-18", rights: 0x1f01ff },
      { sid: `S-1-${2 ** 40 + 2}-4294967295`, rights: 0x80000000 },
    ],
  });
  expect(freed).toEqual([0x3000n]);
});

it("without a list everybody may do everything, with an empty one nobody anything", () => {
  expect(look(SYSTEM, undefined).access().grants).toEqual([{ sid: "S-1-1-0", rights: 0xffffffff }]);
  expect(look(SYSTEM, list()).access()).toEqual({ owner: "S-1-5-18", grants: [] });
});

it.each([
  ["an entry of another type", list(entry(OBJECT, 0, 2, EVERYBODY))],
  ["an entry that ends behind the list", list(entry(ALLOW, 0, 2, EVERYBODY).with(2, 40))],
  ["an entry without a SID", list([ALLOW, 0, 8, 0, 2, 0, 0, 0])],
  ["a SID that ends behind its entry", list(entry(ALLOW, 0, 2, EVERYBODY.with(1, 9)))],
  ["more entries than the list has room for", list(entry(ALLOW, 0, 2, SYSTEM)).with(4, 2)],
  ["a list that is shorter than its own header", list().with(2, 4)],
])("%s is refused, and nothing kept", (_what, dacl) => {
  const { access, freed } = look(SYSTEM, dacl);
  expect(access).toThrow(RangeError);
  expect(freed).toEqual([0x3000n]);
});

it("so is an owner of too many parts; what Windows refuses has its error", () => {
  expect(look(SYSTEM.with(1, 16), list()).access).toThrow(RangeError);
  expect(look(SYSTEM, list(), ERROR.ERROR_ACCESS_DENIED).access).toThrow(
    "GetNamedSecurityInfoW C:\\a: ERROR_ACCESS_DENIED",
  );
});

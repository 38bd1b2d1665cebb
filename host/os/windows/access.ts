/** Who may do what with a file or folder of Windows: its owner and its discretionary access control list (winnt.h: SID, ACL, ACE). */
import { FILE_ACCESS } from "../../ffi/windows/constants.ts";
import { ACCESS_ALLOWED_ACE, ACL, SID } from "../../ffi/windows/layout.ts";
import type { FileSecurityCalls, Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";

export interface Access {
  /** As text: S-1-5-18. */
  readonly owner: string;
  /** What entries grant. What others deny is not taken off: it need not come first. */
  readonly grants: readonly Grant[];
}

export interface Grant {
  readonly sid: string;
  /** Bits of an access mask. */
  readonly rights: number;
}

export const EVERYBODY = "S-1-1-0";
const ALL_RIGHTS = 0xffff_ffff;
/** Where pointers lie in the scratch buffer, then the path, and what was copied from Windows' memory instead of that. */
const AT = { owner: 0, list: 8, descriptor: 16, path: 64, copy: 64 } as const;
const SUBAUTHORITIES_MAX = 15;
const SUBAUTHORITY_BYTES = 4;

/** Links are followed. @throws WindowsError */
export function accessOf(win: Win32, calls: FileSecurityCalls, path: string): Access {
  const { view, at } = win.scratch;
  const what = FILE_ACCESS.OWNER_SECURITY_INFORMATION | FILE_ACCESS.DACL_SECURITY_INFORMATION;
  const { SE_FILE_OBJECT } = FILE_ACCESS;
  const name = win.text(path, AT.path);
  const error = calls.GetNamedSecurityInfoW(
    name,
    SE_FILE_OBJECT,
    what,
    at(AT.owner),
    0,
    at(AT.list),
    0,
    at(AT.descriptor),
  );
  if (error !== 0) throw new WindowsError("GetNamedSecurityInfoW", error, path);
  const [owner, list, descriptor] = [AT.owner, AT.list, AT.descriptor].map((from) => view.getBigUint64(from, true));
  try {
    return { owner: readSid(copySid(win, owner!)), grants: list === 0n ? NO_LIST : readGrants(copyList(win, list!)) };
  } finally {
    win.kernel.LocalFree(descriptor!);
  }
}

/** Where there is no list nothing is refused to anybody. */
const NO_LIST: readonly Grant[] = [{ sid: EVERYBODY, rights: ALL_RIGHTS }];

function copy({ base, kernel, scratch }: Win32, from: bigint, length: number): DataView {
  kernel.RtlMoveMemory(base + BigInt(scratch.at(AT.copy)), from, BigInt(length));
  return new DataView(scratch.bytes.buffer, AT.copy, length);
}

function copySid(win: Win32, from: bigint): DataView {
  if (from === 0n) throw malformed("no owner");
  const count = copy(win, from, SID.subauthorities).getUint8(SID.count);
  if (count > SUBAUTHORITIES_MAX) throw malformed("a SID");
  return copy(win, from, SID.subauthorities + count * SUBAUTHORITY_BYTES);
}

function copyList(win: Win32, from: bigint): DataView {
  const length = copy(win, from, ACL.BYTES).getUint16(ACL.size, true);
  if (length < ACL.BYTES || AT.copy + length > win.scratch.bytes.length) throw malformed("an access control list");
  return copy(win, from, length);
}

/** @throws RangeError where a list has what we do not know: it might be a grant */
export function readGrants(list: DataView): Grant[] {
  const grants: Grant[] = [];
  const { ACCESS_ALLOWED_ACE_TYPE, ACCESS_DENIED_ACE_TYPE, INHERIT_ONLY_ACE } = FILE_ACCESS;
  const { ACCESS_ALLOWED_CALLBACK_ACE_TYPE, ACCESS_DENIED_CALLBACK_ACE_TYPE } = FILE_ACCESS;
  const { type, flags, size, mask, sid } = ACCESS_ALLOWED_ACE;
  let at: number = ACL.BYTES;
  for (let left = list.getUint16(ACL.count, true); left > 0; left--) {
    const kind = list.getUint8(at + type);
    const length = list.getUint16(at + size, true);
    if (length <= sid || at + length > list.byteLength) throw malformed("an entry");
    const isGrant = kind === ACCESS_ALLOWED_ACE_TYPE || kind === ACCESS_ALLOWED_CALLBACK_ACE_TYPE;
    if (!isGrant && kind !== ACCESS_DENIED_ACE_TYPE && kind !== ACCESS_DENIED_CALLBACK_ACE_TYPE)
      throw malformed(`an entry of type ${kind}`);
    // What is only for what will be made in a folder is not for the folder.
    if (isGrant && (list.getUint8(at + flags) & INHERIT_ONLY_ACE) === 0) {
      const who = new DataView(list.buffer, list.byteOffset + at + sid, length - sid);
      grants.push({ sid: readSid(who), rights: list.getUint32(at + mask, true) });
    }
    at += length;
  }
  return grants;
}

/** @throws RangeError where it ends before it should */
export function readSid(sid: DataView): string {
  const { revision, count, authority, subauthorities } = SID;
  // 48 bits, the most significant byte first.
  const identifier = sid.getUint16(authority) * 2 ** 32 + sid.getUint32(authority + 2);
  const words = [sid.getUint8(revision), identifier];
  for (let i = 0; i < sid.getUint8(count); i++)
    words.push(sid.getUint32(subauthorities + i * SUBAUTHORITY_BYTES, true));
  return `S-${words.join("-")}`;
}

function malformed(what: string): RangeError {
  return new RangeError(`Windows told ${what} of a kind that wasmguard does not know`);
}

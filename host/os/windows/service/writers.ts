/**
 * Who may change what a service runs, which is the system's to do: nobody but those who could be the system anyway. Looked at are files, their folders, and
 * the folders above those, in which another could be put in their place.
 */
import { win32 as windowsPath } from "node:path";
import { FILE_ACCESS } from "../../../ffi/windows/constants.ts";
import { WritableError } from "../../../ffi/windows/windows-errors.ts";
import type { Access } from "../access.ts";

/** SYSTEM, the group of administrators, Windows' own installer; and in lists whoever owns a thing, of whom we know already. */
const TRUSTED: readonly string[] = [
  ...["S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"],
  ...["S-1-3-0", "S-1-3-4"],
];

/** Take it over, be it a file or a folder. */
const TAKE = FILE_ACCESS.WRITE_DAC | FILE_ACCESS.WRITE_OWNER | FILE_ACCESS.GENERIC_WRITE | FILE_ACCESS.GENERIC_ALL;
const { FILE_WRITE_DATA, FILE_APPEND_DATA, FILE_DELETE_CHILD, DELETE } = FILE_ACCESS;
/** In a folder the same bits are to add a file and a folder. */
const CHANGE = TAKE | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD | DELETE;
/** Of a folder further up: to put another in the place of what is in it, or of itself. */
const REPLACE = TAKE | FILE_DELETE_CHILD | DELETE;
const READ = FILE_ACCESS.FILE_READ_DATA | FILE_ACCESS.GENERIC_READ | FILE_ACCESS.GENERIC_ALL;

export type Look = (path: string) => Access;

export class Writers {
  readonly #look: Look;
  readonly #trusted: ReadonlySet<string>;
  /** Of what was looked at. */
  readonly #seen = new Map<string, Access>();

  /** @param trusted SIDs of others who may */
  constructor(look: Look, trusted: readonly string[]) {
    this.#look = look;
    this.#trusted = new Set([...TRUSTED, ...trusted]);
  }

  #access(path: string): Access {
    const access = this.#seen.get(path) ?? this.#look(path);
    this.#seen.set(path, access);
    return access;
  }

  #stranger(path: string, rights: number): string | undefined {
    const { grants } = this.#access(path);
    return grants.find(({ sid, rights: granted }) => (granted & rights) !== 0 && !this.#trusted.has(sid))?.sid;
  }

  #require(path: string, rights: number): void {
    const { owner } = this.#access(path);
    if (!this.#trusted.has(owner)) throw new WritableError(path, owner, "owner");
    const stranger = this.#stranger(path, rights);
    if (stranger !== undefined) throw new WritableError(path, stranger, "list");
  }

  /** @param path whole, without links, on a drive @throws WritableError, WindowsError */
  require(path: string): void {
    this.#require(path, CHANGE);
    let folder = windowsPath.dirname(path);
    let rights = CHANGE;
    for (;;) {
      const above = windowsPath.dirname(folder);
      // A drive itself cannot be deleted.
      const isDrive = above === folder;
      this.#require(folder, isDrive ? rights & ~DELETE : rights);
      if (isDrive) return;
      folder = above;
      rights = REPLACE;
    }
  }

  /** @returns whom besides those its content would be shown */
  reader(path: string): string | undefined {
    return this.#stranger(path, READ);
  }
}

/** koffi's prebuilt binaries, optional dependencies: FFI for Node 20 to 25. */
import { binaryName } from "../platform.ts";
import { type Backend, type Call, type Calls, type CLibrary, convertArguments } from "./signatures.ts";

const TYPES = { i: "int", n: "uint64_t", p: "uint64_t" } as const;

interface Koffi {
  load(path: string): { func(name: string, result: string, args: string[]): Call };
  address(bytes: Uint8Array): bigint;
  errno(): number;
}

/** A variable as its name, because the package is optional: compilers and bundlers must not insist on it. */
const load = (name: string): Promise<{ default: Koffi }> => import(/* webpackIgnore: true */ /* @vite-ignore */ name);

/** @throws when koffi is not installed */
export async function koffiBackend<Name extends string>(c: CLibrary<Name>): Promise<Backend<Name>> {
  // Of koffi itself nothing else is needed, and its install script makes npm warn; whoever has it need not have the binary singly.
  const { default: koffi } = await load(`@koromix/koffi-${binaryName()}`).catch(() => load("koffi"));
  const library = openFirst(koffi, c.files);
  const functions = Object.entries<string>(c.signatures).map(([name, shape]) => {
    const types = [...shape].map((kind) => TYPES[kind as keyof typeof TYPES]);
    return { name, shape, call: library.func(name, "int", types) };
  });
  return {
    name: "koffi",
    addressOf: (bytes) => koffi.address(bytes),
    bind(base) {
      const start = Number(base);
      const at = (offset: number) => (offset === 0 ? 0 : start + offset);
      const size = (value: number) => value;
      const calls: Record<string, Call> = {};
      for (const { name, shape, call } of functions) calls[name] = convertArguments(call, shape, at, size);
      return calls as Calls<Name>;
    },
    trimHeap() {
      try {
        library.func("malloc_trim", "int", ["uint64_t"])(0);
      } catch {
        // musl has none.
      }
    },
    errno: () => koffi.errno(),
  };
}

function openFirst(koffi: Koffi, names: readonly string[]) {
  let cause: unknown;
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (error) {
      cause = error;
    }
  }
  throw cause;
}

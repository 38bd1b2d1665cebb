/**
 * Types that a program's TypeScript libraries may have or not: what we declare uses them where they are, and needs none of them.
 * So a program without "DOM" or "ESNext.Disposable" can be compiled, and gets nothing declared that it has not.
 */

/** `[Symbol.asyncDispose]()` where there is the symbol. */
export type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer S extends symbol }
  ? { [K in S]: () => Promise<void> }
  : object;

type Global = typeof globalThis;

/** `[Symbol.dispose]()` where there is the symbol. */
export type Disposal = SymbolConstructor extends { readonly dispose: infer S extends symbol }
  ? { [K in S]: () => void }
  : object;

/** An AbortSignal. */
export type Signal = Global extends { AbortSignal: { prototype: infer T } } ? T : MinimalSignal;

interface MinimalSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
  throwIfAborted(): void;
}

/** A URL. */
export type Url = Global extends { URL: { prototype: infer T } } ? T : { readonly href: string };

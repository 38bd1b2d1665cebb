/** `using handle = …` destroys it, where the runtime has the symbol. Defined apart from the class, so that no declaration names it. */
export function defineDisposal(prototype: { destroy(): void }): void {
  const { dispose } = Symbol as { readonly dispose?: symbol };
  if (dispose === undefined) return;
  Object.defineProperty(prototype, dispose, {
    value(this: { destroy(): void }): void {
      this.destroy();
    },
    configurable: true,
    writable: true,
  });
}

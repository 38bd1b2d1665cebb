/** Handlers are the user's: one that throws keeps no other from being told. The first error is thrown on when all have been. */
export class Telling {
  #failure: { readonly error: unknown } | undefined;

  call(handler: (() => void) | undefined, of: object): void {
    try {
      handler?.call(of);
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error: unknown): void {
    this.#failure ??= { error };
  }

  end(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }
}

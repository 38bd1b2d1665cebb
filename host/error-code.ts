/** What errors of a runtime are told apart by. `instanceof Error` fails for them where a program has globals of its own (node:vm, Jest). */
export function errorCode(error: unknown): string | undefined {
  const { code } = typeof error === "object" && error !== null ? (error as { code?: unknown }) : {};
  return typeof code === "string" ? code : undefined;
}

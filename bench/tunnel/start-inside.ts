/**
 * A program, for Node, Bun and Deno: times the import of the core's modules as built, and of what they then do, compiling
 * and instantiating. One line of JSON comes out, in milliseconds.
 */
const MODULE = "../../dist/host/core/load.js";
const took = { compile: 0, instantiate: 0 };

for (const name of ["compile", "instantiate"] as const) {
  const original = WebAssembly[name] as (...args: unknown[]) => Promise<unknown>;
  Object.assign(WebAssembly, {
    [name]: async (...args: unknown[]) => {
      const start = performance.now();
      try {
        return await original.apply(WebAssembly, args);
      } finally {
        took[name] += performance.now() - start;
      }
    },
  });
}

const start = performance.now();
const { loadCore } = await import(MODULE);
const importMs = performance.now() - start;
await loadCore({}, "shared");
console.log(JSON.stringify({ importMs, compileMs: took.compile, instantiateMs: took.instantiate }));

// A module file needs one: nothing is exported otherwise.
export {};

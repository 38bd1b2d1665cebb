/** The command as on another system and processor: SYSTEM PROCESSOR ARGUMENT… */
const [platform, arch, ...args] = process.argv.slice(2);
for (const [name, value] of Object.entries({ platform, arch })) Object.defineProperty(process, name, { value });
// Only now: some modules ask while they are loaded.
const { main } = await import("../../../host/cli/main.ts");
process.exitCode = await main(args);

// One file that brings its own tunnel: bun build --compile single-executable.mjs --outfile inside; then ./inside office.conf http://wiki.internal/
import { Network } from "wasmguard/network";

const [file, url] = process.argv.slice(2);
const network = await Network.fromConfig(file);
console.log(await (await network.fetch(url)).text());
await network.close();

// Fetch a private HTTP service through a tunnel: node fetch-inside.mjs office.conf http://wiki.internal/
import { Network } from "wasmguard/network";

const [file, url] = process.argv.slice(2);
const network = await Network.fromConfig(file);
try {
  const response = await network.fetch(url);
  console.log(response.status, await response.text());
} finally {
  await network.close();
}

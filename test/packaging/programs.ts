/** Programs that a project would write, and what each of them has to answer in whatever runs or bundles it. */

/** The primitives as people import them; sums up what came out, so that any way of running can be compared. */
const USE_CRYPTO = `
const key = new Uint8Array(32).fill(7), nonce = new Uint8Array(12), other = new Uint8Array(32).fill(8);
const sealed = chacha20poly1305(key, nonce).encrypt(new TextEncoder().encode("hello"));
let code;
try { chacha20poly1305(key, nonce).decrypt(new Uint8Array(20)); } catch (error) { code = error.name + " " + error.code; }
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const answer = [hex(sealed).slice(0, 16), hex(blake2s(key)).slice(0, 16), ...x25519Pair(key, x25519.GuBytes, other, x25519.getPublicKey(key)).map((shared) => hex(shared).slice(0, 16)), code].join(" ");
`;

/** Worked out with @noble/ciphers, @noble/hashes and @noble/curves; the last two words are ours. */
export const ANSWER = "5fe145600f713b52 21a0a66f5a04d11d 13be4feaeaf204c7 9daa9cba496a7005 InvalidTagError INVALID_TAG";

const IMPORT_ALL = `import { blake2s, chacha20poly1305, x25519, x25519Pair } from "wasmguard/crypto";`;
const IMPORT_EACH = `
import { blake2s } from "wasmguard/crypto/blake2s";
import { chacha20poly1305 } from "wasmguard/crypto/chacha20poly1305";
import { x25519, x25519Pair } from "wasmguard/crypto/x25519";`;

export const CRYPTO = `${IMPORT_ALL}${USE_CRYPTO}console.log(answer);`;
export const CRYPTO_BY_PARTS = `${IMPORT_EACH}${USE_CRYPTO}console.log(answer);`;
export const CRYPTO_REQUIRED = `const { blake2s, chacha20poly1305, x25519, x25519Pair } = require("wasmguard/crypto");${USE_CRYPTO}console.log(answer);`;
/** For pages: the answer is asked for. */
export const CRYPTO_IN_PAGE = `${IMPORT_ALL}${USE_CRYPTO}globalThis.answer = answer;`;
export const CRYPTO_FETCHED_IN_PAGE = CRYPTO_IN_PAGE.replace("wasmguard/crypto", "wasmguard/crypto/fetched");
/** For `workerd test`. */
export const CRYPTO_IN_WORKER = `${IMPORT_ALL}export default { test() {${USE_CRYPTO}if (answer !== ${JSON.stringify(ANSWER)}) throw new Error(answer); } };`;

/** A tunnel between two devices in one process: what the library needs of a runtime. */
export const TUNNEL = `
const [tunA, hostA] = tunPair(), [tunB, hostB] = tunPair();
const [keyA, keyB] = [generatePrivateKey(), generatePrivateKey()];
const bind = () => new DgramBind({ ipv4: "127.0.0.1", ipv6: false });
const b = await Device.create({ privateKey: keyB, tun: tunB, bind: bind(), peers: [{ publicKey: publicKeyOf(keyA), allowedIps: ["10.0.0.1/32"] }] });
await b.start();
const a = await Device.create({ privateKey: keyA, tun: tunA, bind: bind(), peers: [{ publicKey: publicKeyOf(keyB), allowedIps: ["10.0.0.2/32"], endpoint: "127.0.0.1:" + b.listenPort }] });
await a.start();
const packet = Uint8Array.from([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0x66, 0xd5, 10, 0, 0, 1, 10, 0, 0, 2]);
hostA.write(packet);
let name;
try { await Device.create({ privateKey: keyA, tun: tunA, nonsense: 1 }); } catch (error) { name = error.name; }
for await (const received of hostB) { console.log(received.length, name); break; }
await Promise.all([a.close(), b.close()]);
`;
const LIBRARY_NAMES = "{ Device, DgramBind, generatePrivateKey, publicKeyOf, tunPair }";
export const LIBRARY = `import ${LIBRARY_NAMES} from "wasmguard";${TUNNEL}`;
export const LIBRARY_REQUIRED = `const ${LIBRARY_NAMES} = require("wasmguard"); (async () => {${TUNNEL}})();`;
export const LIBRARY_ANSWER = "20 UnknownOptionError";

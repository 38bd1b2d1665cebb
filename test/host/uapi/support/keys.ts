/** Keys for tests, as hex. They only have to differ from one another and from anything else in memory. */
import { x25519 } from "@noble/curves/ed25519.js";

export const PRIVATE = "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a";
export const OWN_PUBLIC = Buffer.from(x25519.getPublicKey(Buffer.from(PRIVATE, "hex"))).toString("hex");
export const PEER_A = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33";
export const PEER_B = "58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376";
export const PEER_C = "662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58";
export const PRESHARED = "188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52";
export const ZERO = "0".repeat(64);

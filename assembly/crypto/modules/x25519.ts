/** The module of X25519, behind pointers. */
export { x25519, x25519Base } from "../x25519";
export { heap, scratch } from "./own-memory";

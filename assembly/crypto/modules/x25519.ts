/** The module of X25519, behind pointers, with the multiples of the base point in front of the heap. */
import { BASE_TABLE_BYTES, setBaseTable } from "../base-table";
import { reserve } from "./own-memory";

setBaseTable(reserve(BASE_TABLE_BYTES));

export { x25519, x25519Base } from "../x25519";
export { x25519Both } from "../x25519-both";
export { heap, scratch } from "./own-memory";

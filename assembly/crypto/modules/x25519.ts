/** The module of X25519, behind pointers. The multiples of the base point lie where others keep packets. */
import { SCRATCH_BYTES, SCRATCH_PACKET } from "../../memory/scratch";
import { BASE_TABLE_BYTES, setBaseTable } from "../base-table";
import { scratch } from "./own-memory";

if (BASE_TABLE_BYTES > SCRATCH_BYTES - SCRATCH_PACKET) ERROR("the multiples of the base point have no room");
setBaseTable(scratch() + SCRATCH_PACKET);

export { x25519, x25519Base } from "../x25519";
export { heap, scratch } from "./own-memory";

/** UDP on linear memory, beside what users may bring. In a file of its own: their compiler need not know the core. */
import type { Outside } from "../lane/ports.ts";
import type { Bind } from "./bind.ts";

/** One of our own that is the outside of the lane itself: datagrams pass between it and linear memory, and `send` is not called. */
export interface DirectBind extends Omit<Bind, "send"> {
  readonly outside: Outside;
}

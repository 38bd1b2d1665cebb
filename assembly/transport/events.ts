/**
 * Events of peers (EVENT_… of abi.ts): bits in the peer's record, and a list of the peers that have any, so that the host
 * looks after those only. Whoever sets a peer's first bit puts it on the list of its own thread.
 */
import { TOUCHED } from "../constants";
import { touched } from "../memory/layout";
import { Sharing } from "../memory/sharing";
import { ThreadState } from "../memory/thread-state";
import { Peers } from "../routing/peers";

/** Note an event of a peer; the host looks after each batch. */
export function touch(peer: u32, event: u32): void {
  const at = Peers.record(peer).eventsAt;
  let events = load<u32>(at);
  if (Sharing.on) {
    // What is there already will be handled after this moment: nothing to add.
    if ((events & event) === event) return;
    events = atomic.or<u32>(at, event);
  } else {
    store<u32>(at, events | event);
  }
  if (events !== 0) return;
  const self = ThreadState.get();
  if (self.touched === TOUCHED) {
    // Cannot be, for the host looks after each receive call and each turn of handshakes; but never write past the list.
    store<u32>(at, 0);
    return;
  }
  store<u32>(touched + 4 * <usize>self.touched, peer);
  self.touched += 1;
}

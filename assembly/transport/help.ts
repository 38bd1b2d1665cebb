/** What a thread does for others while it has no packets of its own: it looks who offers some, and takes blocks of them. */
import { forkOf, thread } from "../memory/layout";
import { ForkRecord, NO_BLOCK } from "../records/fork";
import { workOn } from "./blocks";
import { Helpers } from "./helpers";

/**
 * Look for work of others, and do it until there is none left.
 * @param looks how often, at the most, until there is some
 * @returns     messages sealed or opened
 */
export function help(looks: u32): u32 {
  for (; looks > 0; looks--) {
    const offers = Helpers.offers;
    if (offers === 0) continue;
    const messages = helpOne(nextAfter(thread, offers));
    if (messages === 0) continue;
    Helpers.count(messages);
    return messages;
  }
  return 0;
}

/** The first thread behind `self` that offers something, in a circle: so that not all help the same one. */
function nextAfter(self: u32, offers: u32): u32 {
  return (ctz(rotr<u32>(offers, self)) + self) & 31;
}

function helpOne(other: u32): u32 {
  const fork = ForkRecord.at(forkOf(other));
  let messages: u32 = 0;
  for (let block = fork.take(); block !== NO_BLOCK; block = fork.take()) messages += workOn(fork, block);
  return messages;
}

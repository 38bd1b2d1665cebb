/**
 * Whether the kernel of eight blocks does what four blocks at a time do: messages of all lengths to 2 KiB, and of some around the longest
 * that are opened with it, are sealed and opened both ways, two in a batch; forged ones must be refused. Not a byte beside a message
 * may change.
 * Memory: CHECK_BYTES that nobody uses: a key, room for two messages, and the same room for the other way. They are zero afterwards.
 */
import { NO_COUNTER, openPacket, packetsBegin, packetsEnd, sealPacket, setKernel } from "./packet-aead";

const KEY_BYTES: usize = 32;
const TAG_BYTES: u32 = 16;
/** In front of each message at least, and behind it. */
const GUARD_BYTES: u32 = 64;
const DENSE_MOST: u32 = 2048;
const LONG_LEAST: u32 = 9088;
const LONG_MOST: u32 = 9216;
const LONG_STEP: u32 = 8;
const ROOM_BYTES: u32 = LONG_MOST + TAG_BYTES + 2 * GUARD_BYTES;
export const CHECK_BYTES: usize = KEY_BYTES + 4 * ROOM_BYTES;

/** @param place  of the kernel in the table  @returns whether it is right: then it is in use, else none is */
export function checkKernel(area: usize, place: u32): bool {
  fill(area, area + CHECK_BYTES);
  const plain = area + KEY_BYTES;
  memory.copy(plain + 2 * ROOM_BYTES, plain, 2 * ROOM_BYTES);
  let right = true;
  for (let length: u32 = 0; right && length <= DENSE_MOST / 2; length++) {
    right = agree(area, place, length, DENSE_MOST - length);
  }
  for (let length = LONG_LEAST; right && length <= LONG_MOST; length += LONG_STEP) {
    right = agree(area, place, length, length);
  }
  memory.fill(area, 0, CHECK_BYTES);
  setKernel(right ? place : 0);
  return right;
}

/** Seal and open two messages of these lengths both ways. What was there before is there afterwards, but for the tags. */
function agree(key: usize, place: u32, length0: u32, length1: u32): bool {
  const plain = key + KEY_BYTES;
  const wide = plain + 2 * ROOM_BYTES;
  setKernel(0);
  seal(key, plain, length0, length1);
  setKernel(place);
  seal(key, wide, length0, length1);
  if (!same(plain, wide, length0, length1)) return false;

  // A wrong bit in each, anywhere: neither may be opened, and both are left as they were.
  flip(wide, length0);
  flip(wide + ROOM_BYTES, length1);
  if (open(key, wide, length0, length1) !== 0) return false;
  flip(wide, length0);
  flip(wide + ROOM_BYTES, length1);
  if (!same(plain, wide, length0, length1)) return false;

  if (open(key, wide, length0, length1) !== 2) return false;
  setKernel(0);
  return open(key, plain, length0, length1) === 2 && same(plain, wide, length0, length1);
}

/** Where a message of this length lies in its room: at any alignment. */
function messageIn(room: usize, length: u32): usize {
  return room + GUARD_BYTES + (length & 15);
}

function seal(key: usize, rooms: usize, length0: u32, length1: u32): void {
  const message0 = messageIn(rooms, length0);
  const message1 = messageIn(rooms + ROOM_BYTES, length1);
  const counter = (<u64>length0) << 1;
  packetsBegin(key);
  sealPacket(message0, message0, length0, counter);
  sealPacket(message1, message1, length1, counter + 1);
  packetsEnd();
}

/** @returns how many were opened */
function open(key: usize, rooms: usize, length0: u32, length1: u32): u32 {
  const message0 = messageIn(rooms, length0);
  const message1 = messageIn(rooms + ROOM_BYTES, length1);
  const counter = (<u64>length0) << 1;
  packetsBegin(key);
  const opened0 = openPacket(message0, message0, length0, counter, counter + 1);
  const opened1 = openPacket(message1, message1, length1, counter + 1, NO_COUNTER);
  packetsEnd();
  return <u32>opened0 + <u32>opened1;
}

/** Flip one bit of message or tag, elsewhere for each length. */
function flip(room: usize, length: u32): void {
  const at = messageIn(room, length) + ((length * 67) % (length + TAG_BYTES));
  store<u8>(at, load<u8>(at) ^ ((<u8>1) << (<u8>(length & 7))));
}

function same(a: usize, b: usize, length0: u32, length1: u32): bool {
  return alike(a, b, length0) && alike(a + ROOM_BYTES, b + ROOM_BYTES, length1);
}

/** Are a message's tag and all around it the same, too? */
function alike(a: usize, b: usize, length: u32): bool {
  let difference: u64 = 0;
  for (let i: u32 = 0; i < length + TAG_BYTES + 2 * GUARD_BYTES; i += 8)
    difference |= load<u64>(a + i) ^ load<u64>(b + i);
  return difference === 0;
}

/** Xorshift64 (Marsaglia 2003): any bytes do that are not all alike. */
function fill(from: usize, to: usize): void {
  let state: u64 = 0x9e3779b97f4a7c15;
  for (let at = from; at < to; at += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    store<u64>(at, state);
  }
}

/**
 * Whether the kernel of four ladders does what two pairs of them do, with the results of each round as the scalars of the next one (as in the
 * test of RFC 7748 section 5.2). It begins with the largest numbers, and with one point of small order.
 * Memory: LADDERS_CHECK_BYTES that nobody uses; zero afterwards.
 */
import { Field } from "./field";
import { setLadders, x25519Four } from "./x25519-four";

const ROUNDS = 16;
const RESULTS: usize = 128;
const BY_KERNEL: usize = RESULTS;
const SCALARS: usize = 2 * RESULTS; // of which two are used
const POINTS: usize = 3 * RESULTS;
export const LADDERS_CHECK_BYTES: usize = 4 * RESULTS;

/** @param place  of `climb` in the table  @returns whether it is right: then it is in use, else none is */
export function checkLadders(area: usize, place: u32): bool {
  memory.fill(area, 0, LADDERS_CHECK_BYTES);
  memory.fill(area + SCALARS, 0xff, 2 * RESULTS);
  memory.fill(area + POINTS + 32, 0, 32);
  let right = Field.inFive;
  for (let round = 0; right && round < ROUNDS; round++) {
    right = agree(area, place);
    memory.copy(area + POINTS, area + SCALARS, RESULTS);
    memory.copy(area + SCALARS, area, RESULTS);
  }
  memory.fill(area, 0, LADDERS_CHECK_BYTES);
  setLadders(right ? place : 0);
  return right;
}

function agree(area: usize, place: u32): bool {
  const scalar = area + SCALARS;
  setLadders(0);
  const shared = x25519Four(area, scalar, scalar + 32, area + POINTS);
  setLadders(place);
  if (x25519Four(area + BY_KERNEL, scalar, scalar + 32, area + POINTS) !== shared) return false;
  let difference: u64 = 0;
  for (let at = area; at < area + RESULTS; at += 8) difference |= load<u64>(at) ^ load<u64>(at, BY_KERNEL);
  return difference === 0;
}

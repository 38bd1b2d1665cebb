/**
 * What several instances (threads) on one memory need beside their own scratch areas: the knowledge that they are
 * several, a lock for the few words that two of them may change, and counters. A single instance pays one branch.
 * Structures (peers, routes, indices, the rotation of keypairs) change only while all other threads pause; host/loop/threads sees
 * to that. What is guarded here changes in passing: replay windows, endpoints, events, statistics.
 */

/** Whether other instances work on this memory. */
let sharing: bool = false;

export class Sharing {
  @inline static get on(): bool {
    return sharing;
  }

  static begin(): void {
    sharing = true;
  }

  /** Add to a u64 counter. */
  @inline static count(counter: usize, amount: u64): void {
    if (sharing) atomic.add<u64>(counter, amount);
    else store<u64>(counter, load<u64>(counter) + amount);
  }
}

/** Tries before a thread sleeps: the holder is in the middle of some 50 instructions, unless it lost its processor. */
const SPINS: u32 = 1000;
const SLEEP_NS: i64 = 50_000;

/** A u32 in memory: 0 free, 1 held. Never held across a call of the host. */
export class Lock {
  @inline static acquire(at: usize): void {
    if (atomic.cmpxchg<u32>(at, 0, 1) !== 0) Lock.wait(at);
  }

  @inline static release(at: usize): void {
    atomic.store<u32>(at, 0);
  }

  private static wait(at: usize): void {
    for (let tries: u32 = 0; atomic.cmpxchg<u32>(at, 0, 1) !== 0; tries++) {
      if (tries >= SPINS) atomic.wait<i32>(at, 1, SLEEP_NS);
    }
  }
}

/**
 * Bytes that one thread writes and others read: a version beside them is odd while they change, and who read during a change reads again
 * (Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", 2012).
 */
export class Seqlock {
  static write(version: usize, dst: usize, src: usize, length: usize): void {
    let seen = atomic.load<u32>(version);
    for (let tries: u32 = 0; seen & 1 || atomic.cmpxchg<u32>(version, seen, seen + 1) !== seen; tries++) {
      if (tries >= SPINS) atomic.wait<i32>(version, <i32>seen, SLEEP_NS);
      seen = atomic.load<u32>(version);
    }
    memory.copy(dst, src, length);
    atomic.store<u32>(version, seen + 2);
  }

  /** After SPINS vain tries what is there must do: the writer lost its processor. */
  static read(version: usize, dst: usize, src: usize, length: usize): void {
    for (let tries: u32 = 0; tries < SPINS; tries++) {
      const before = atomic.load<u32>(version);
      memory.copy(dst, src, length);
      // An addition of nothing, for it waits until the copy is made; a mere load may come too early on some processors.
      if (!(before & 1) && atomic.add<u32>(version, 0) === before) return;
    }
  }
}

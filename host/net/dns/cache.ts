/** What was answered, for as long as the answers' TTLs say. Bounded: the answer that was not asked for the longest goes first. */
import type { Instant } from "../../time/instant.ts";
import type { Question, Reply } from "./message.ts";

const ENTRIES_MAX = 1024;

/** Answers that may be kept. */
export type Lasting = Extract<Reply, { ttl: number }>;

interface Entry {
  readonly reply: Lasting;
  readonly until: Instant;
}

export class Cache {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  get(question: Question, now: Instant): Lasting | undefined {
    const key = keyOf(question);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= now) return undefined;
    this.#entries.set(key, entry);
    return entry.reply;
  }

  put(question: Question, reply: Lasting, now: Instant): void {
    if (reply.ttl <= 0) return;
    const key = keyOf(question);
    this.#entries.delete(key);
    this.#entries.set(key, { reply, until: now + reply.ttl * 1000 });
    if (this.#entries.size > ENTRIES_MAX) this.#entries.delete(this.#entries.keys().next().value!);
  }

  clear(): void {
    this.#entries.clear();
  }
}

export function keyOf({ name, kind }: Question): string {
  return `${kind} ${name}`;
}

/** Whether a person's four digits are right, and how long nobody may try again. */
import { forget, read, writeIfRoom } from "./db";
import { fits } from "./digits";
import type { Mate } from "./mates";

const MISSES_BEFORE_WAIT = 5;
const WAIT_MS = 30_000;

interface Misses {
  n: number;
  until: number;
}

/** Zero where the digits are right; else for how many milliseconds none are looked at any more, at least one. */
export async function tryDigits(mate: Mate, typed: string): Promise<number> {
  const misses = (await read<Misses>(mate.who, "misses")) ?? { n: 0, until: 0 };
  const left = misses.until - Date.now();
  // A clock that was set back since keeps nobody out for months.
  if (left > 0 && left <= longest(misses.n)) return left;
  if (!mate.digits || (await fits(typed, mate.digits))) {
    await forget(mate.who, "misses");
    return 0;
  }
  const n = misses.n + 1;
  const wait = n % MISSES_BEFORE_WAIT === 0 ? longest(n) : 0;
  await writeIfRoom(mate.who, "misses", { n, until: Date.now() + wait } satisfies Misses);
  return Math.max(1, wait);
}

/**
 * Half a minute after five misses, twice as long after each five more. Five minutes at most: a person who
 * guesses at another's digits keeps them from saying that they are well.
 */
const longest = (misses: number) => Math.min(300_000, WAIT_MS * 2 ** (Math.floor(misses / MISSES_BEFORE_WAIT) - 1));

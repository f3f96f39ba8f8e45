/**
 * What Today says about whose turn it is: one line without a name. The project's own file makes it from what the
 * server said and what was said here since; it is kept, so that it is there before that file is.
 */
import { computed, signal } from "@preact/signals";
import { read, writeIfRoom } from "./db";
import { now } from "./now";
import { who } from "./session";

/** Moments as the server has them: when the child's own is due, and since when an adult's is late. */
export interface Hint {
  mine: string | null;
  answer: string | null;
  promise: string | null;
}

const kept = signal<{ who: string; hint: Hint } | null>(null);

/** A day is over at its midnight, which is another day to the reader. */
const STILL_THAT_DAY_MS = 60_000;

const isToday = (due: string, at: Date) =>
  new Date(Date.parse(due) - STILL_THAT_DAY_MS).setHours(0, 0, 0, 0) <= new Date(at).setHours(0, 0, 0, 0);

export type Line = "mine" | "answer" | "promise" | null;

/** At most one thing: one's own of today first. Time goes on without a network too. */
export const line = computed<Line>(() => {
  const hint = kept.value?.who === who.value ? kept.value?.hint : undefined;
  const isOver = (moment: string | null | undefined) => !!moment && Date.parse(moment) <= now.value.getTime();
  if (hint?.mine && isToday(hint.mine, now.value)) return "mine";
  if (isOver(hint?.answer)) return "answer";
  return isOver(hint?.promise) ? "promise" : null;
});

export async function recall(): Promise<void> {
  const person = who.value;
  const hint = person ? await read<Hint>(person, "turns") : undefined;
  if (person && hint) kept.value = { who: person, hint };
}

export async function keepHint(person: string, hint: Hint): Promise<void> {
  if (kept.value?.who === person && JSON.stringify(kept.value.hint) === JSON.stringify(hint)) return;
  kept.value = { who: person, hint };
  await writeIfRoom(person, "turns", hint);
}

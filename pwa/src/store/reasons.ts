/**
 * Why the child went, as far as they let that be used: for the review after their return. What was read last stays on
 * the phone of those who work with the child, sealed like all that is kept; on the child's own phone none of it does.
 */
import { effect, signal, untracked } from "@preact/signals";
import { ask, Refused } from "../api";
import { forget, read, writeIfRoom } from "./db";
import { isChild, myself, place } from "./project";
import { maySend, who } from "./session";

export interface Reason {
  /** A goal or step that came of it names it so. */
  id: string;
  kind: "push" | "pull" | "stop";
  code: string;
}

export interface Talk {
  episode_id: string;
  found_at: string | null;
  /** In the child's words. */
  stop: string;
  each: Reason[];
  may_be_used: boolean;
  own: string;
}

interface Known {
  child: string;
  at: string;
  talks: Talk[];
}

export const shared = signal<Known | null>(null);

/** True where they were asked for and nobody answered. */
export const isOutOfReach = signal(false);

/** The people the server may tell. */
const mayRead = () => ["caseworker", "supervisor", "guardian"].includes(myself.value.role);

const boxName = (child: string) => `reasons ${child}`;

const asked = async (child: string) =>
  (await ask<{ reasons: Talk[] }>("GET", `/children/${child}/return-reasons`)).reasons;

/** Shows what is kept, and asks each time: the child may have said since that it is not to be used. */
export async function load(): Promise<void> {
  const person = who.value;
  const here = place.value;
  if (!person || !here || !mayRead()) return;
  const isStill = () => who.value === person && place.value === here;
  const kept = await read<Known>(person, boxName(here.child));
  if (!isStill()) return;
  if (kept && !shared.value) shared.value = kept;
  if (!maySend.value) return void (isOutOfReach.value = true);
  try {
    const talks = await asked(here.child);
    if (!isStill() || !Array.isArray(talks)) return;
    shared.value = { child: here.child, at: new Date().toISOString(), talks };
    isOutOfReach.value = false;
    await writeIfRoom(person, boxName(here.child), shared.value);
  } catch (why) {
    // A person who may no longer read them has none of them here either.
    const isClosed = why instanceof Refused && [403, 404].includes(why.status);
    if (isClosed) await forget(person, boxName(here.child)).catch(() => undefined);
    if (!isStill()) return;
    if (isClosed) shared.value = null;
    isOutOfReach.value = !isClosed;
  }
}

/** What the child may read of their own talks: asked for when they want to see it, and kept nowhere. */
export async function ownTalks(): Promise<Talk[] | null> {
  const here = place.value;
  if (!here || !isChild.value) return null;
  const talks = await asked(here.child).catch(() => null);
  return Array.isArray(talks) ? talks : null;
}

/** The reason with this id, and the talk that it is of. */
export function find(id: string): { reason: Reason; talk: Talk } | null {
  for (const talk of shared.value?.talks ?? []) {
    const reason = talk.each.find((each) => each.id === id);
    if (reason) return { reason, talk };
  }
  return null;
}

/** What is known is of the project that is open, and of nobody else's. */
export function begin(): void {
  effect(() => {
    void who.value;
    void place.value?.child;
    untracked(() => {
      shared.value = null;
      isOutOfReach.value = false;
    });
  });
}

/**
 * When one is asked, as the server said it last, and another rhythm that one proposes. A proposal goes through
 * the outbox, as everything that is said: with a network or without, nothing is lost.
 */
import { computed, signal } from "@preact/signals";
import { ask, Refused } from "../api";
import { read, writeIfRoom } from "./db";
import type { Recalled, RhythmProposal } from "./kinds";
import type { Sending } from "./outbox";
import { put, queue, send, throwAway } from "./sender";
import { forEachPerson, who } from "./session";

/**
 * Times by the clock on the wall; days from 0, Monday; without days it is every day. An answer for a time that
 * is in `from` may come at any time from there on.
 */
export interface Rhythm {
  at?: string[];
  from?: Record<string, string>;
  days?: number[];
  /** By which rule all times come, or some of them: plan/rules.ts. The others come on `days`. */
  rrule?: string | Record<string, string>;
  every_s?: number;
}

/** Due at a moment: without an answer, a person is told by another one at the latest, if a message would reach one (`is_told`). */
export interface Sum {
  due_at: string;
  told_by: string;
  is_told: boolean;
  /** Where there is a longer time to answer: its beginning. */
  from_at?: string | null;
}

interface Named {
  id: string;
  name: string;
}

/** A rhythm, for good or from a first to a last day. */
export interface Wish {
  rhythm: Rhythm;
  first?: string | null;
  last?: string | null;
}

export interface Proposal extends Wish {
  id: string;
  words: string | null;
  by: Named;
  made_at: string;
  state: "open" | "agreed" | "declined" | "recalled" | "replaced" | "ended";
  decided_at: string | null;
  decided_by: Named | null;
  answer: string | null;
  sums: Sum[];
}

/** Other times for some days: from a moment to before another one. */
export interface Season {
  id: string;
  from_at: string;
  until_at: string;
  rhythm: Rhythm;
}

export interface Known {
  rhythm: Rhythm;
  /** The clock that the rhythm goes by: "Europe/Paris". */
  zone?: string;
  seasons?: Season[];
  sums: Sum[];
  proposals: Proposal[];
}

export const current = signal<Known | null>(null);

forEachPerson(() => (current.value = null));

/** First what the phone has, then what the server has. */
export async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  current.value ??= (await read<Known>(person, "rhythm")) ?? null;
  const fresh = await ask<Known>("GET", "/rhythm/proposals").catch(() => null);
  if (!fresh || who.value !== person) return;
  current.value = fresh;
  await writeIfRoom(person, "rhythm", fresh);
}

/** What a rhythm comes to, or why it cannot be; null where the server cannot be asked. */
export interface Look {
  sums: Sum[];
  problem: string | null;
}

export async function look(wish: Wish): Promise<Look | null> {
  return ask<Look>("POST", "/rhythm/preview", wish).catch((why: unknown) =>
    why instanceof Refused && why.detail ? { sums: [], problem: why.detail } : null,
  );
}

export type Waiting = Sending & RhythmProposal;

/** What waits on this phone, the latest first. */
export const waiting = computed(() => queue.value.filter((each): each is Waiting => each.kind === "rhythm").reverse());

const backs = computed(() => queue.value.filter((each): each is Sending & Recalled => each.kind === "take-back"));

/** What one has taken back here, as far as the server was not told yet. */
export const takenBack = computed(
  () => new Set(backs.value.filter(({ problem }) => !problem).map(({ body }) => body.proposal)),
);

export const unsentBack = (proposal: string) => backs.value.find(({ body }) => body.proposal === proposal);

/** Changes with whatever of this is in the outbox, and with what came of it. */
export const outgoing = computed(() =>
  [...waiting.value, ...backs.value].map(({ id, problem = "" }) => id + problem).join(),
);

export async function propose(wish: Wish, words: string): Promise<void> {
  const body = { said_at: new Date().toISOString(), ...wish, words: words.trim() || null };
  await put({ kind: "rhythm", body });
  void send();
}

/** Whether or not it has left this phone: it may have, and the answer got lost. */
export async function takeBack(id: string): Promise<void> {
  const row = waiting.value.find((each) => each.id === id);
  await put({ kind: "take-back", body: { said_at: new Date().toISOString(), proposal: id } });
  if (row) await throwAway(row);
  void send();
}

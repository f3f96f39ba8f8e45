/**
 * Being away: what the child asked for, what was agreed, and what still waits on this phone. Asking goes through the
 * outbox, as everything that is said: with a network or without, nothing is lost.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { ask as fetchFrom } from "../api";
import { moment, t } from "../i18n";
import { awayStands } from "./awayLine";
import { forget, read, writeIfRoom } from "./db";
import type { AwayRequest, Back } from "./kinds";
import { now } from "./now";
import type { Sending } from "./outbox";
import { put, queue, send, throwAway } from "./sender";
import { isStaff, who } from "./session";

/** An absence as it was agreed. */
export interface Agreed {
  id: string;
  from_at: string;
  until_at: string;
  ended_at: string | null;
  /** Who agreed. */
  by: string;
  /** The check-in after it; null once it is over. */
  next_due_at: string | null;
}

/** What the child asked for, and what became of it. */
export interface Asked {
  id: string;
  from_at: string;
  until_at: string;
  place: string;
  words: string | null;
  state: "waiting" | "passed" | "agreed" | "back" | "over" | "declined" | "recalled" | "replaced" | "ended";
  decided_at: string | null;
  decided_by: string | null;
  answer: string | null;
  agreed: Agreed | null;
}

interface Known {
  requests: Asked[];
  agreed: Agreed[];
}

const kept = signal<{ who: string; known: Known } | null>(null);

export const current = computed(() => (kept.value?.who === who.value ? (kept.value?.known ?? null) : null));

/** First what the phone has, then what the server has. */
export async function load(): Promise<void> {
  const person = who.value;
  if (!person || isStaff.value) return;
  if (kept.value?.who !== person) {
    const known = await read<Known>(person, "away");
    if (known && who.value === person) kept.value = { who: person, known };
    seen.value = { who: person, at: (await read<string>(person, "away-seen")) ?? "" };
  }
  const fresh = await fetchFrom<Known>("GET", "/absences").catch(() => null);
  if (!fresh || !Array.isArray(fresh.requests) || who.value !== person) return;
  kept.value = { who: person, known: fresh };
  await writeIfRoom(person, "away", fresh);
}

export type Waiting = Sending & AwayRequest;

/** What waits on this phone, the latest first. */
export const unsent = computed(() => queue.value.filter((each): each is Waiting => each.kind === "away").reverse());

const backs = computed(() => queue.value.filter((each): each is Sending & Back => each.kind === "back"));

/** What was taken back here, or ended, as far as the server was not told yet. */
export const takenBack = computed(
  () => new Set(backs.value.filter(({ problem }) => !problem).map(({ body }) => body.absence)),
);

/** Changes with whatever of this is in the outbox, and with what came of it. */
export const outgoing = computed(() =>
  [...unsent.value, ...backs.value].map(({ id, problem = "" }) => id + problem).join(),
);

export async function ask(body: Omit<AwayRequest["body"], "said_at">): Promise<void> {
  await put({ kind: "away", body: { said_at: new Date().toISOString(), ...body } });
  void send();
}

/** Whether or not it has left this phone: it may have, and the answer got lost. */
export async function takeBack(id: string): Promise<void> {
  const row = unsent.value.find((each) => each.id === id);
  await put({ kind: "back", body: { said_at: new Date().toISOString(), absence: id } });
  if (row) await throwAway(row);
  void send();
}

// --- what is typed and not sent yet

/** Days and times as the phone's own parts have them. */
export interface Draft {
  place: string;
  /** Null: now. */
  from: { day: string; time: string } | null;
  until: { day: string; time: string };
  words: string;
}

export const draft = signal<Draft | null>(null);

export function keepDraft(to: Draft): void {
  draft.value = to;
  if (who.value) void writeIfRoom(who.value, "away-draft", to);
}

export async function recallDraft(): Promise<void> {
  const person = who.value;
  const typed = person ? await read<Draft>(person, "away-draft") : undefined;
  if (who.value === person) draft.value = typed ?? null;
}

export async function clearDraft(): Promise<void> {
  draft.value = null;
  if (who.value) await forget(who.value, "away-draft");
}

// --- the line of Today

const seen = signal<{ who: string; at: string }>({ who: "", at: "" });

/** The last answer of a worker. */
const answeredAt = (known: Known) =>
  known.requests
    .filter(({ state, decided_by: by }) => by && ["agreed", "declined"].includes(state))
    .map(({ decided_at: at }) => at ?? "")
    .sort()
    .pop() ?? "";

/** The child has read the answers that are here. */
export function noteRead(): void {
  const [known, person] = [current.value, who.value];
  if (!known || !person) return;
  const at = answeredAt(known);
  if (seen.value.who === person && seen.value.at === at) return;
  seen.value = { who: person, at };
  void writeIfRoom(person, "away-seen", at);
}

function says(): string {
  const known = current.value;
  if (unsent.value.length > 0) return t("Not sent yet");
  if (!known) return "";
  if (seen.value.who === who.value && answeredAt(known) > seen.value.at) return t("There's an answer");
  const at = now.value.toISOString();
  const away = known.agreed.find(({ id, from_at: from }) => from <= at && !takenBack.value.has(id));
  if (away && away.until_at > at) return t("Until {when}", { when: moment(away.until_at, now.value) });
  const isWaiting = known.requests.some(({ id, state }) => state === "waiting" && !takenBack.value.has(id));
  return isWaiting ? t("No answer yet") : "";
}

/** Keeps that line, and asks for news whenever the app comes to the front. */
export function begin(): void {
  effect(() => {
    // By who is in alone: what `load` reads it also writes.
    if (who.value) untracked(() => void load());
  });
  effect(() => {
    const words = says();
    awayStands.value = words && ` · ${words}`;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void load();
  });
}

/** Questions about entries of the record: what the server knows, and what still waits on this phone. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { ask } from "../api";
import { go } from "../routes";
import { read, writeIfRoom } from "./db";
import type { Asking } from "./kinds";
import type { Sending } from "./outbox";
import { put, queue, send } from "./sender";
import { who } from "./session";

export type Kind = Asking["body"]["about"]["kind"];
/** An entry: its list, its id there, when it was, and how it is shown. */
export type Entry = Asking["body"]["about"];
export type To = Asking["body"]["to"];

export interface Question {
  id: string;
  about: Entry;
  words: string;
  to: To;
  asked_at: string;
  answer_by: string;
  answer: string | null;
  answered_at: string | null;
  answered_by: string | null;
}

interface Known {
  questions: Question[];
  to: { to: To; names: string[] }[];
}

export const known = signal<Known | null>(null);

/** `isSent`: it has left this phone. */
export type Waiting = Sending & Asking & { isSent?: true };

const isOurs = (each: Sending): each is Waiting => each.kind === "ask";

/** What has left this phone, and is not in the list yet that the server gave. */
const leaving = signal<Waiting[]>([]);

const queued = computed(() => queue.value.filter(isOurs));

export const waiting = computed<Waiting[]>(() => {
  const known_ = new Set(known.value?.questions.map(({ id }) => id));
  return [...queued.value, ...leaving.value].filter(({ id }) => !known_.has(id));
});

/** What is being asked: kept, sealed, until it is sent, so that nothing typed is lost. */
export interface Draft {
  entry: Entry;
  words: string;
  to: To;
}

export const drafted = signal<Draft | null>(null);

let before: Waiting[] = [];

/** Nothing of one person stays in memory for another. */
effect(() => {
  void who.value;
  known.value = null;
  drafted.value = null;
  leaving.value = [];
  before = [];
});

/** A question that went out stays in sight, and the list is asked for again. */
effect(() => {
  const list = queued.value;
  const gone = before.filter(({ id }) => !list.some((each) => each.id === id));
  before = list;
  if (gone.length === 0) return;
  untracked(() => {
    leaving.value = [...leaving.value, ...gone.map((each) => ({ ...each, isSent: true as const }))];
    // One that the child threw away leaves in the same way: only the server knows what it has.
    void load().finally(() => (leaving.value = []));
  });
});

/** As many as a phone keeps: older ones are on the server. */
const MOST = 200;

interface Part extends Known {
  next: string | null;
}

/** First what the phone has, then what the server has. */
export async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  known.value ??= (await read<Known>(person, "questions")) ?? null;
  const questions: Question[] = [];
  let next = "";
  for (;;) {
    const part = await ask<Part>("GET", `/record-questions${next && `?before=${next}`}`).catch(() => null);
    if (!part || !Array.isArray(part.questions) || who.value !== person) return;
    questions.push(...part.questions);
    next = part.next ?? "";
    if (next && questions.length < MOST) continue;
    known.value = { questions, to: part.to };
    await writeIfRoom(person, "questions", known.value);
    return;
  }
}

const isSame = (one: Entry, other: Entry) => one.kind === other.kind && one.id === other.id;

/** What was asked about an entry and has arrived, the oldest first. */
export const askedAbout = (entry: Entry) =>
  (known.value?.questions ?? []).filter(({ about }) => isSame(about, entry)).reverse();

/** The same of what has not left this phone, or was not taken. */
export const unsentAbout = (entry: Entry) => waiting.value.filter(({ body }) => isSame(body.about, entry));

// --- asking

const keep = () => who.value && writeIfRoom(who.value, "asking", drafted.value);

/** The screen to write a question about this entry. Words typed about it before are there again. */
export async function begin(entry: Entry, isAboutCaseworker: boolean): Promise<void> {
  const before = drafted.value ?? (who.value ? await read<Draft>(who.value, "asking") : undefined);
  drafted.value =
    before && isSame(before.entry, entry)
      ? before
      : { entry, words: "", to: isAboutCaseworker ? "supervisor" : "caseworker" };
  void keep();
  go("ask");
}

/** What was being asked when the app was closed. */
export async function recall(): Promise<void> {
  if (!drafted.value && who.value) drafted.value = (await read<Draft>(who.value, "asking")) ?? null;
}

export function change(part: Partial<Draft>): void {
  if (!drafted.value) return;
  drafted.value = { ...drafted.value, ...part };
  void keep();
}

/** The most letters of an entry that go along. */
const MOST_SHOWN = 1_000;

export async function askNow(): Promise<void> {
  const draft = drafted.value;
  const words = draft?.words.trim();
  if (!draft || !words) return;
  const about = { ...draft.entry, shown: draft.entry.shown.slice(0, MOST_SHOWN) };
  await put({ kind: "ask", body: { said_at: new Date().toISOString(), about, words, to: draft.to } });
  drafted.value = null;
  await keep();
  void send();
}

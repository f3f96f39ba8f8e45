/**
 * The child's advocates: what the server knows, and what the child decides about them. A decision goes through the
 * outbox, as everything that is said. It counts once the server has it, and the screen says so.
 */
import { computed, signal } from "@preact/signals";
import { ask } from "../api";
import { read, writeIfRoom } from "./db";
import type { AdvocateEnd, AdvocateShare, AdvocateWish } from "./kinds";
import type { Sending } from "./outbox";
import { put, queue, send, throwAway } from "./sender";
import { who } from "./session";

export interface Advocate {
  id: string;
  person_id: string;
  name: string;
  from_at: string;
  until_at: string | null;
  has_joined: boolean;
  tells_alerts: boolean;
}

export interface Advocates {
  advocates: Advocate[];
  /** Since when the child has been waiting for one. */
  asked_at: string | null;
}

export const advocates = signal<Advocates | null>(null);

/** First what the phone has, then what the server has. */
export async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  advocates.value = (await read<Advocates>(person, "advocates")) ?? null;
  const fresh = await ask<Advocates>("GET", "/advocates").catch(() => null);
  if (!fresh || who.value !== person) return;
  advocates.value = fresh;
  await writeIfRoom(person, "advocates", fresh);
}

// --- what waits on this phone

type Decision = AdvocateWish | AdvocateShare | AdvocateEnd;
const DECISIONS: string[] = ["advocate-wish", "advocate-share", "advocate-end"];

const decisions = computed(() =>
  queue.value.filter((each): each is Sending & Decision => DECISIONS.includes(each.kind)),
);
const waiting = computed(() => decisions.value.filter(({ problem }) => !problem));

/** The server did not take one of them. */
export const isRefused = computed(() => decisions.value.some(({ problem }) => problem));

/** What the child last said about wanting one, if it has not left this phone. */
export const wished = computed(
  () => waiting.value.filter((each) => each.kind === "advocate-wish").pop()?.body.is_wanted ?? null,
);

/** The same of what this advocate may know. */
export const shared = (id: string) =>
  waiting.value.filter((each) => each.kind === "advocate-share" && each.body.advocate === id).pop()?.body as
    | AdvocateShare["body"]
    | undefined;

const ending = (id: string) => waiting.value.find((each) => each.kind === "advocate-end" && each.body.advocate === id);

export const isEnding = (id: string) => ending(id) !== undefined;

/** Changes with whatever of this is in the outbox, and with what came of it. */
export const outgoing = computed(() => decisions.value.map(({ id, problem = "" }) => id + problem).join());

const at = () => new Date().toISOString();

async function say(decision: Decision): Promise<void> {
  await put(decision);
  void send();
}

export const wish = (is_wanted: boolean) => say({ kind: "advocate-wish", body: { said_at: at(), is_wanted } });

export const share = (advocate: string, tells_alerts: boolean) =>
  say({ kind: "advocate-share", body: { said_at: at(), advocate, tells_alerts } });

export const end = (advocate: string) => say({ kind: "advocate-end", body: { said_at: at(), advocate } });

/** As long as it has not left this phone. */
export async function keepAdvocate(id: string): Promise<void> {
  const row = ending(id);
  if (row) await throwAway(row);
}

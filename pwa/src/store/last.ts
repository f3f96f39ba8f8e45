/**
 * What this phone said last. On Today every answer reads alike, a call for help too, also after a reload and without
 * a network. What became of a call for help is for Help alone, and for two hours.
 */
import { computed, effect, signal } from "@preact/signals";
import { ask, type Answer, type Heard } from "../api";
import { forget, read, writeIfRoom, type Who } from "./db";
import { changeLast, isLater, USUAL_MS, type Last, type Said } from "./kinds";
import { now } from "./now";
import { waiting } from "./outbox";
import { queue } from "./sender";
import { forEachPerson, isShutOut, me, who } from "./session";

/** A call for help. `received_at` is null until the server has it. */
interface Call {
  id: string;
  received_at: string | null;
  isRefused: boolean;
  heard: Heard | null;
}

export const said = signal<Said | null>(null);
export const call = signal<Call | null>(null);

/** When the server was last asked in vain what became of the call; null where it has answered since. */
export const deafSince = signal<Date | null>(null);

/** Whether Help may show who was called: the child's own choice, on this phone. */
export const showsNames = signal(false);

const NAMES = "first-names";

/** As long as the server tells of it: a person who finds the phone later reads nothing. */
const FADES_MS = 7_200_000;

const isFaded = ({ kept_at: at }: { kept_at: number }) => Math.abs(Date.now() - at) > FADES_MS;

const unsent = ({ id, said_at, mood, want }: Answer, isRefused: boolean) => ({
  said: { id, said_at, mood, received_at: null, next_due_at: null },
  call: want === "help" ? { id, received_at: null, isRefused, heard: null } : null,
});

async function look(person: Who): Promise<void> {
  const [last, rows, names] = await Promise.all([
    read<Last>(person, "last"),
    waiting(person).catch(() => []),
    read<boolean>(person, NAMES),
  ]);
  if (person !== who.value) return;
  const waits = rows
    .sort((a, b) => b.order - a.order)
    .flatMap((row) => (row.kind === "check_in" && row.body.said_at ? [unsent(row.body, !!row.problem)] : []));
  const newest = waits[0]?.said;
  const received = last?.call && !isFaded(last.call) ? { ...last.call, isRefused: false } : null;
  said.value = newest && isLater(newest, last?.said) ? newest : (last?.said ?? null);
  call.value = waits.find((each) => each.call)?.call ?? received;
  showsNames.value = names ?? false;
  if (last?.call && !received) await changeLast(person, (kept) => kept && { ...kept, call: null });
}

export async function recall(): Promise<void> {
  if (who.value) await look(who.value);
}

forEachPerson(() => {
  said.value = call.value = deafSince.value = null;
  showsNames.value = false;
});

/** Whatever was sent since, by this window, another one or the worker; and what has faded. */
effect(() => {
  void queue.value;
  void now.value;
  if (who.value) void look(who.value);
});

/** When the check-in that is due then opens. */
export const opensAt = (due: string) =>
  me.value?.next_due_at === due && me.value.opens_at ? Date.parse(me.value.opens_at) : Date.parse(due) - USUAL_MS;

/** Whether an answer is waited for now; what the phone knows may be older than that. */
export const isOpen = computed(() => {
  const due = me.value?.next_due_at;
  return me.value?.standing !== "well" || (!!due && opensAt(due) <= now.value.getTime());
});

/** The last answer came too late: how the child is now is still asked. */
export const asksAnew = computed(() => said.value?.is_old === true && isOpen.value);

/** The server has the last answer, and no check-in has opened since. */
export const isDone = computed(() => {
  const { received_at: at, next_due_at: due } = said.value ?? {};
  if (!at || isOpen.value) return false;
  if (due) return now.value.getTime() < opensAt(due);
  return new Date(at).toDateString() === now.value.toDateString();
});

/** Nothing but what is shown, so that the box stays as long as it is after any answer. */
const shortOf = ({ stage, who: people, since, sent_at }: Heard): Heard => ({ stage, who: people, since, sent_at });

/** Asks what became of the call. */
export async function hear(): Promise<void> {
  const person = who.value;
  const id = call.value?.received_at && call.value.id;
  if (!person || !id || isShutOut.value) return;
  const answer = await ask<{ call: Heard | null }>("GET", "/me/help").catch(() => null);
  if (person !== who.value || id !== call.value?.id) return;
  deafSince.value = answer ? null : (deafSince.value ?? new Date());
  if (!answer) return;
  const heard = answer.call && shortOf(answer.call);
  await changeLast(person, (last) => (last?.call?.id === id ? { ...last, call: { ...last.call, heard } } : last));
  await look(person);
}

export async function setShowsNames(on: boolean): Promise<void> {
  showsNames.value = on;
  await (on ? writeIfRoom(who.value!, NAMES, true) : forget(who.value!, NAMES));
}

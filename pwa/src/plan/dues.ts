/**
 * Whose turn it is: what the server said last, and what was said on this phone since. What is done here is
 * nobody's turn any more, with a network or without.
 */
import { computed, effect, signal } from "@preact/signals";
import { ask } from "../api";
import { read, writeIfRoom } from "../store/db";
import { now } from "../store/now";
import { frame, isChild, myself, place, plan } from "../store/project";
import { who } from "../store/session";
import { keepHint } from "../store/turns";
import { day } from "./labels";
import { laneOf } from "./lanes";
import type { Who } from "./merge";
import { is, isDropped, words, type Person } from "./state";
import { answerDue } from "./turns";

export type Kind = "step" | "reply" | "end" | "review" | "answer" | "rhythm" | "absence" | "pack" | "question";

interface Named {
  id: string;
  name: string;
}

interface Due {
  id: string;
  kind: Kind;
  subject_id: string;
  owner_role: string;
  due_at: string;
  is_mine: boolean;
  whose: Named[];
}

interface Known {
  child: string;
  at: string;
  dues: Due[];
}

export interface Turn {
  id: string;
  kind: Kind;
  about: string;
  isMine: boolean;
  /** False where it became one's turn because its owner is late, or is the agency. */
  isOwn: boolean;
  isOver: boolean;
  /** The last moment of it: of a day the end. */
  dueAt: string;
  /** Whose it is, and who was told since. */
  owners: Named[];
  told: Named[];
  ownerRole: string;
}

const fromServer = signal<Known | null>(null);

/** When the server said so; null where it has not yet. */
export const asOf = computed(() =>
  fromServer.value?.child === place.value?.child ? (fromServer.value?.at ?? null) : null,
);

const boxName = (child: string) => `dues ${child}`;

/** Asks whose turn it is. Without an answer what was known stays. */
export async function refresh(): Promise<void> {
  const here = place.value;
  const person = who.value;
  if (!here || !person || !navigator.onLine) return;
  const told = await ask<{ dues: Due[] }>("GET", `/children/${here.child}/dues`).catch(() => null);
  if (!told || !Array.isArray(told.dues) || place.value !== here || who.value !== person) return;
  fromServer.value = { child: here.child, at: new Date().toISOString(), dues: told.dues };
  await writeIfRoom(person, boxName(here.child), fromServer.value);
}

async function recall(child: string): Promise<void> {
  const person = who.value;
  const kept = person ? await read<Known>(person, boxName(child)) : undefined;
  if (kept && place.value?.child === child && fromServer.value?.child !== child) fromServer.value = kept;
}

// --- what is left of it

function isSettled(due: Due, at: string): boolean {
  const field = (entity: string, name: string) => plan.value.get(entity, due.subject_id, name).stands;
  if (due.kind === "step") {
    const step = plan.value.one("step", due.subject_id);
    if (!step) return false;
    const status = field("step", "status");
    const comesAgain = ["weekly", "monthly"].includes(words(plan.value, "step", step.id, "repeats"));
    const isOver = status?.value === "done" || status?.value === "not_done";
    if (isOver && (!comesAgain || status.said_at > at)) return true;
    return isDropped(plan.value, words(plan.value, "step", step.id, "goal_id"));
  }
  if (due.kind === "reply") {
    const asked = plan.value.one("message", due.subject_id);
    if (!asked) return false;
    const lane = laneOf(plan.value, asked);
    // Words for an advocate wait for that advocate; the others for anyone else who reads them.
    const answers = (by: Who) => (lane ? by.id === lane : by.role !== "child" && by.role !== "advocate");
    return plan.value.all("message").some(({ by, made_at }) => made_at > asked.made_at && answers(by));
  }
  if (due.kind === "review") return !!field("review", "held_on")?.value;
  if (due.kind === "answer") return !!field("complaint", "answer")?.value;
  // What is no part of the project is seen to at the desk.
  return ["rhythm", "absence", "pack", "question"].includes(due.kind);
}

/** Another day that was chosen here counts at once. */
function dueAt(due: Due): string {
  const entity = { step: "step", review: "review" }[due.kind as string];
  const on = entity && words(plan.value, entity, due.subject_id, "due_on");
  if (!on || words(plan.value, "step", due.subject_id, "repeats").endsWith("ly")) return due.due_at;
  return endOf(on);
}

function endOf(on: string): string {
  const date = day(on);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).toISOString();
}

const people = (): Person[] => frame.value?.people ?? [];
const roleOf = (id: string) => people().find((person) => person.id === id)?.role ?? "";

function ownersOf(due: Due): Named[] {
  if (due.kind === "step") {
    const owner = people().find(({ id }) => id === words(plan.value, "step", due.subject_id, "owner_id"));
    if (owner) return [owner];
  }
  const owners = due.whose.filter(({ id }) => roleOf(id) === due.owner_role);
  return owners.length > 0 ? owners : due.whose;
}

function turnOf(due: Due): Turn {
  const owners = ownersOf(due);
  const at = dueAt(due);
  const isOver = Date.parse(at) <= now.value.getTime();
  return {
    id: due.id,
    kind: due.kind,
    about: due.subject_id,
    isMine: owners.some(({ id }) => id === myself.value.id) || due.is_mine,
    isOwn: owners.some(({ id }) => id === myself.value.id),
    isOver,
    dueAt: at,
    owners,
    told: isOver
      ? due.whose.filter(({ id }) => id !== myself.value.id && !owners.some((owner) => owner.id === id))
      : [],
    ownerRole: due.owner_role,
  };
}

/** The server tells these only to the person they are for; the one who complained knows all the same. */
function ownComplaints(): Turn[] {
  return plan.value.all("complaint").flatMap((complaint) => {
    if (complaint.by.id !== myself.value.id || !is(complaint, plan.value, "answer", undefined)) return [];
    const at = endOf(answerDue(plan.value, complaint));
    if (Date.parse(at) > now.value.getTime()) return [];
    const to = words(plan.value, "complaint", complaint.id, "to");
    const owners = people().filter(({ role }) => role === to);
    return [
      {
        id: complaint.id,
        kind: "answer",
        about: complaint.id,
        isMine: false,
        isOwn: false,
        isOver: true,
        dueAt: at,
        owners,
        told: [],
        ownerRole: to,
      },
    ];
  });
}

/** One's own first, then what is late, then what comes next. */
const byUrgency = (a: Turn, b: Turn) =>
  Number(b.isMine) - Number(a.isMine) || Number(b.isOver) - Number(a.isOver) || a.dueAt.localeCompare(b.dueAt);

export const turns = computed<Turn[]>(() => {
  const list = fromServer.value;
  const dues = list && list.child === place.value?.child ? list.dues.filter((due) => !isSettled(due, list.at)) : [];
  return [...dues.map(turnOf), ...ownComplaints()].sort(byUrgency);
});

const earliest = (list: Turn[]) => list.map(({ dueAt: at }) => at).sort()[0] ?? null;

/** Reads what is known of each project that is opened, and keeps the one line that Today has of it. */
export function begin(): void {
  effect(() => {
    if (place.value) void recall(place.value.child);
  });
  effect(() => {
    if (!who.value || !isChild.value || place.value?.child !== who.value || fromServer.value?.child !== who.value)
      return;
    const others = turns.value.filter(({ isMine }) => !isMine);
    const answers = others.filter(({ kind }) => kind === "reply" || kind === "answer");
    const promises = others.filter(({ kind, ownerRole }) => kind === "step" && ownerRole !== "child");
    void keepHint(who.value, {
      mine: earliest(turns.value.filter(({ isMine, kind }) => isMine && kind === "step")),
      answer: earliest(answers),
      promise: earliest(promises),
    });
  });
}

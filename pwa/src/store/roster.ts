/**
 * Several children share this phone: who they are, and whose turn it is.
 *
 * Each has a session of their own at the server, a key and a store of their own here, and words wait and go out
 * for each of them, no matter whose turn it is. The digits keep the others' hands and eyes away;
 * they do not stop a person who can look into the browser itself, as nothing on an open phone does.
 */
import { computed, signal } from "@preact/signals";
import { spokenFor } from "../api";
import { forget, PHONE, write, type Who } from "./db";
import { mates, type Mate } from "./mates";

export const roster = signal<Mate[]>([]);
export const isShared = computed(() => roster.value.length > 0);

/** The address of what can send no header, a link or a stream: on a shared phone it says whose it is to be. */
export function addressOf(path: string): string {
  const phone = isShared.value ? spokenFor() : null;
  return `/api/v1${path}${phone ? `${path.includes("?") ? "&" : "?"}phone=${phone}` : ""}`;
}

/** True while nobody has said who they are. */
export const isLocked = signal(false);

export async function recall(): Promise<void> {
  roster.value = await mates();
}

/** Another window may have let a person in since: what is written is made from what is kept. */
export async function change(how: (mates: Mate[]) => Mate[]): Promise<void> {
  const next = how(await mates());
  if (next.length > 0) await write(PHONE, "roster", next);
  else await forget(PHONE, "roster");
  roster.value = next;
}

/** Whose turn it is, where they have not chosen their digits yet. */
export const isNew = computed(() => !isPutOff.value && roster.value.some(({ who, digits }) => !digits && hasTurn(who)));

/** "Not now": asked again at their next turn. */
export const isPutOff = signal(false);

export async function part(who: Who): Promise<void> {
  await change((mates) => mates.filter((mate) => mate.who !== who));
}

// --- whose turn it is

const FLAG = "planner-turn";

/** Kept for this window alone: a reload goes on, a fresh start asks who it is. */
export function takeTurn(who: Who | null): void {
  try {
    if (who) sessionStorage.setItem(FLAG, who);
    else sessionStorage.removeItem(FLAG);
  } catch {
    // Where nothing can be kept, each start asks.
  }
}

export function hasTurn(who: Who): boolean {
  try {
    return sessionStorage.getItem(FLAG) === who;
  } catch {
    return false;
  }
}

/** The phone is laid down, or handed on. What was typed stays for the person who typed it. */
export function lock(): void {
  takeTurn(null);
  isLocked.value = true;
}

/** The person who laid the phone down for so long may not be the one who takes it up. */
const AWAY_MS = 60_000;

export function begin(): void {
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") hiddenAt = Date.now();
    else if (isShared.value && Math.abs(Date.now() - hiddenAt) > AWAY_MS) lock();
  });
}

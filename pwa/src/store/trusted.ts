/** The people the child named to be asked first: what the server knows, and what still waits on this phone. */
import { computed, signal } from "@preact/signals";
import { ask } from "../api";
import { read, writeIfRoom } from "./db";
import type { Naming } from "./kinds";
import { discard, type Sending } from "./outbox";
import { look, put, queue, send } from "./sender";
import { forEachPerson, who } from "./session";

export interface Trusted {
  id: string;
  name: string;
  reach: string;
  also_help: boolean;
  /** named: nobody has decided yet. */
  state: "named" | "yes" | "no";
  why?: string | null;
}

export const people = signal<Trusted[] | null>(null);

const NOTHING = { name: "", reach: "", alsoHelp: false };

/** What is typed and not said yet. */
export const typed = signal(NOTHING);

forEachPerson(() => {
  people.value = null;
  typed.value = NOTHING;
});

export const waiting = computed(() => queue.value.filter((each): each is Sending & Naming => each.kind === "trusted"));

export async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  people.value ??= (await read<Trusted[]>(person, "trusted")) ?? null;
  const fresh = await ask<{ trusted: Trusted[] }>("GET", "/trusted").catch(() => null);
  if (!fresh || who.value !== person) return;
  people.value = fresh.trusted;
  await writeIfRoom(person, "trusted", fresh.trusted);
}

export async function name(words: { name: string; reach: string; alsoHelp: boolean }): Promise<void> {
  const body = {
    said_at: new Date().toISOString(),
    name: words.name.trim(),
    reach: words.reach.trim(),
    also_help: words.alsoHelp,
  };
  await put({ kind: "trusted", body });
  await send();
  await load();
}

/** True where it was taken back; what has not left this phone is taken back here. */
export async function takeBack(id: string): Promise<boolean> {
  if (waiting.value.some((each) => each.id === id)) {
    await discard(id);
    await look();
    return true;
  }
  try {
    await ask("DELETE", `/trusted/${id}`);
  } catch {
    return false;
  }
  await load();
  return true;
}

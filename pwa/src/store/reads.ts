/** Who has read what the child wrote: their workers and their advocate. Their apps say so; the child's phone shows it. */
import { signal } from "@preact/signals";
import { ask, type Read } from "../api";
import { read, writeIfRoom } from "./db";
import { isChild, myself, place, plan } from "./project";
import { who } from "./session";

interface Known {
  child: string;
  messages: Record<string, Read[]>;
}

const known = signal<Known | null>(null);

/** Those who read this message, the first one first. */
export const readersOf = (message: string): Read[] =>
  known.value?.child === who.value ? (known.value?.messages[message] ?? []) : [];

/** Asks who has read. Without an answer what was known stays. */
export async function refresh(): Promise<void> {
  const person = who.value;
  if (!person || !isChild.value || place.value?.child !== person) return;
  if (known.value?.child !== person) known.value = (await read<Known>(person, "reads")) ?? null;
  const told = await ask<{ messages: { message: string; read: Read[] }[] }>("GET", "/talk/read").catch(() => null);
  if (!told || !Array.isArray(told.messages) || who.value !== person) return;
  known.value = { child: person, messages: Object.fromEntries(told.messages.map((each) => [each.message, each.read])) };
  await writeIfRoom(person, "reads", known.value);
}

/** The messages about which the server has heard from this page, by child. */
const said = new Set<string>();
const MOST = 100;

/** Whose reading the child sees: their workers', and their advocate's. */
const SEEN = ["caseworker", "supervisor", "advocate"];

/** One of these has the thread on the screen: the child's messages in it are read. */
export async function show(): Promise<void> {
  const here = place.value;
  if (!here || !SEEN.includes(myself.value.role)) return;
  if (document.visibilityState !== "visible" || !navigator.onLine) return;
  const messages = plan.value
    .all("message")
    .filter(({ id, by, waits }) => by.role === "child" && !waits && !said.has(`${here.child} ${id}`))
    .map(({ id }) => id)
    .slice(-MOST);
  if (messages.length === 0) return;
  for (const id of messages) said.add(`${here.child} ${id}`);
  await ask("POST", `${here.path}/talk/read`, { messages }).catch(() => {
    for (const id of messages) said.delete(`${here.child} ${id}`);
  });
}

/** What the child says for when they are missing: as the server has it, and as it waits on this phone. */
import { computed, effect, signal } from "@preact/signals";
import { ask, type Look } from "../api";
import { forget, read, writeIfRoom } from "./db";
import type { OwnWords } from "./kinds";
import { discard, type Sending } from "./outbox";
import { isSame, type OwnPack, type Words } from "./ownPackDelivery";
import { look, put, queue, send } from "./sender";
import { who } from "./session";

export const current = signal<OwnPack | null>(null);

/** Those who looked at it while nobody was alerted, and why; null: not asked yet. */
export const looks = signal<Look[] | null>(null);

/** What the child types, kept so that nothing typed is lost. */
export const typed = signal<Words | null>(null);

// Another child on this phone begins with nothing of the one before.
effect(() => {
  void who.value;
  current.value = typed.value = looks.value = null;
});

const DRAFT = "own-draft";
type Waiting = Sending & OwnWords;

const all = computed(() => queue.value.filter((each): each is Waiting => each.kind === "own"));

/** The newest that has not arrived. */
export const waiting = computed(() => all.value[all.value.length - 1] ?? null);

/** True where another person wrote it down in other words in the meantime: the child decides. */
export const differs = computed(() => waiting.value?.problem === "changed");

/** What the form begins with. */
export const words = computed<Words>(() => typed.value ?? waiting.value?.body.fields ?? current.value?.fields ?? {});

const ABOUT = ["look:glass:", "look:carried:"];

export async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  current.value = (await read<OwnPack>(person, "own")) ?? current.value;
  typed.value ??= (await read<Words>(person, DRAFT)) ?? null;
  const fresh = await ask<OwnPack>("GET", `/children/${person}/pack`).catch(() => null);
  if (fresh && who.value === person) {
    current.value = { version: fresh.version, fields: fresh.fields };
    await writeIfRoom(person, "own", current.value);
  }
  const seen = await ask<{ looks: (Look & { code: string })[] }>("GET", "/looks").catch(() => null);
  if (seen) looks.value = seen.looks.filter(({ code }) => ABOUT.some((beginning) => code?.startsWith(beginning)));
}

export function type(name: string, text: string): void {
  typed.value = { ...words.value, [name]: text };
  if (who.value) void writeIfRoom(who.value, DRAFT, typed.value);
}

function tidy(typedWords: Words): Words {
  return Object.fromEntries(
    Object.entries(typedWords).flatMap(([name, text]) => (text.trim() ? [[name, text.trim()]] : [])),
  );
}

async function forgetDraft(person: string): Promise<void> {
  typed.value = null;
  await forget(person, DRAFT);
}

/** Keeps it on this phone, and hands it in as soon as that goes. What was refused before it is replaced by it. */
export async function say(): Promise<void> {
  const person = who.value;
  if (!person) return;
  const fields = tidy(words.value);
  const before = all.value;
  const last = before[before.length - 1];
  if (!last?.problem && isSame(fields, last?.body.fields ?? current.value?.fields ?? {}))
    return await forgetDraft(person);
  // What stands was shown beside it, where the two differ; and so was everything that this phone said before.
  const stands = current.value ?? { version: 0, fields: {} };
  const seen = [stands.fields, ...before.filter(({ problem }) => !problem).map(({ body }) => body.fields)];
  const body = { said_at: new Date().toISOString(), child: person, base: stands.version, fields, seen };
  await put({ kind: "own", body });
  for (const each of before) if (each.problem) await discard(each.id);
  await look();
  await forgetDraft(person);
  await send();
  await load();
}

/** What the other person wrote down is kept. */
export async function takeTheirs(): Promise<void> {
  for (const each of all.value) await discard(each.id);
  await look();
  if (who.value) await forgetDraft(who.value);
  await load();
}

/**
 * Ideas for a goal, as the agency offers them: kept on the phone, so that they are there offline too. They are
 * offers: nothing here ever says anything in a project by itself.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { ask } from "../api";
import { language } from "../i18n";
import { read, writeIfRoom } from "./db";
import { myself, place } from "./project";
import { maySend, who } from "./session";

export interface IdeaStep {
  text: string;
  /** The role it is for; null where that is decided later. */
  who: string | null;
  days: number | null;
}

export interface Idea {
  id: string;
  kind: string;
  words: string;
  why: string | null;
  success_sign: string | null;
  steps: IdeaStep[];
}

interface Kept {
  at: number;
  ideas: Idea[];
}

/** What is offered for the project that is open. */
export const ideas = signal<Idea[]>([]);

/** An agency changes its ideas seldom: asked again this often while the app is used. */
const FRESH_MS = 3_600_000;

/** Those who only read a project are offered nothing, and would be refused. */
const mayTake = () => ["child", "caseworker", "guardian"].includes(myself.value.role);

/** Reads what is kept, and asks where that is old. */
export async function load(): Promise<void> {
  const person = who.value;
  const here = place.value;
  const speaks = language.value;
  if (!person || !here || !mayTake()) {
    ideas.value = [];
    return;
  }
  const isStill = () => who.value === person && place.value === here && language.value === speaks;
  const name = `ideas ${here.child} ${speaks}`;
  const kept = await read<Kept>(person, name);
  if (!isStill()) return;
  ideas.value = kept?.ideas ?? [];
  const age = kept ? Date.now() - kept.at : Infinity;
  // A clock that was set back makes nothing fresh for ever.
  if ((age >= 0 && age < FRESH_MS) || !navigator.onLine || !maySend.value) return;
  const path = `${here.path}/project/templates?language=${speaks}`;
  const told = await ask<{ templates: Idea[] }>("GET", path).catch(() => null);
  if (!told || !Array.isArray(told.templates) || !isStill()) return;
  ideas.value = told.templates;
  await writeIfRoom(person, name, { at: Date.now(), ideas: told.templates } satisfies Kept);
}

/** What opens a project comes first; the ideas are there before anybody has come to the question. */
const AFTER_MS = 800;

/** Follows the project that is open, and asks when the network is back. */
export function begin(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const about = computed(() =>
    [who.value, place.value?.child, language.value, myself.value.role, maySend.value].join(" "),
  );
  effect(() => {
    void about.value;
    untracked(() => (ideas.value = []));
    clearTimeout(timer);
    timer = setTimeout(() => void load(), AFTER_MS);
  });
  addEventListener("online", () => void load());
}

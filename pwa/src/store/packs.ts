/**
 * The grab packs that are on this phone while a person is on duty, sealed as everything here.
 *
 * They are here until the duty ends, by the server's word and by this phone's clock, whichever comes first;
 * without a session, or after a sign-out here or at the desk, nothing of them is left. The server is asked
 * whenever it can be: what it does not name any more goes.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { ask, Refused } from "../api";
import { uuid } from "../bytes";
import { KEPT_AS as DESK_IS_HERE } from "../desk/here";
import { forget, read, write } from "./db";
import { copyName, dropPacks, mayCarry, SHELF } from "./grabbed";
import { now } from "./now";
import { isShutOut, me, sameSession, shutOut, who } from "./session";

interface OnServer {
  child_id: string;
  name: string;
  state: "carried" | "open" | "sealed";
  version: number;
  alerted_since: string | null;
  sha: string | null;
  photo: { taken_on: string | null; is_old: boolean } | null;
  pages: { language: string; pdf: string; text: string }[];
  path: string;
}

interface Answer {
  until_at: string | null;
  server_time: string;
  packs: OnServer[];
}

/** One pack on the shelf, and which copy of it this phone has. */
export interface Pack extends OnServer {
  copy?: { sha: string | null; at: number };
}

/** `begins` and `ends` by this phone's clock, which may differ from the server's. */
interface Shelf {
  begins: number;
  ends: number;
  packs: Pack[];
  /** Put down here; the server has not heard of it. */
  dropped: string[];
}

/** What there is to show of one pack, in each language that it came in. */
export interface Copy {
  pages: { language: string; pdf: string; text: string }[];
  file: string;
}

const shelf = signal<Shelf | null>(null);

/** What the last asking came to: off duty, nobody in, no answer, or one that is none. */
export const news = signal<"asking" | "here" | "off-duty" | "out" | "offline" | "failing">("asking");
export const isBusy = signal(false);

/** Copies that could not be had, or that this phone has no room for. */
export const stuck = signal<readonly string[]>([]);

export const packs = computed(() => shelf.value?.packs ?? []);
export const ends = computed(() => (shelf.value ? new Date(shelf.value.ends) : null));

/** While adults are alerted what is known changes by itself: a copy is made anew after so long. */
const FRESH_MS = 15 * 60_000;
/** A clock that was turned back this far is no longer believed. */
const SLACK_MS = 10 * 60_000;

/** Keeps something of this person's; nothing is left of it where another person has signed in since. */
async function keep(person: string, name: string, value: unknown): Promise<void> {
  await write(person, name, value);
  if (who.value !== person) await dropPacks(who.value ?? undefined);
}

async function keepShelf(person: string): Promise<void> {
  if (shelf.value) await keep(person, SHELF, shelf.value);
}

async function dropAll(): Promise<void> {
  shelf.value = null;
  stuck.value = [];
  await dropPacks();
}

const isOver = ({ begins, ends: end }: Shelf) => Date.now() >= end || Date.now() < begins - SLACK_MS;

/** True where nothing may be here any more; then nothing is. */
async function end(): Promise<boolean> {
  if (!shelf.value || !isOver(shelf.value)) return false;
  news.value = "off-duty";
  await dropAll();
  return true;
}

let bell: ReturnType<typeof setTimeout> | undefined;

function wake(): void {
  clearTimeout(bell);
  if (shelf.value) bell = setTimeout(() => void end(), Math.max(0, shelf.value.ends - Date.now()));
}

/** The bytes of a page as a text, as what is sealed is JSON. */
async function asText(bytes: Blob): Promise<string> {
  const buffer = new Uint8Array(await bytes.arrayBuffer());
  let text = "";
  // In parts: a call takes only so many arguments.
  for (let at = 0; at < buffer.length; at += 8_192) text += String.fromCharCode(...buffer.subarray(at, at + 8_192));
  return btoa(text);
}

async function get(path: string): Promise<Response> {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

async function fetchCopy(pack: OnServer): Promise<Copy> {
  const pages = [];
  for (const { language, pdf, text } of pack.pages) {
    const page = await get(pdf);
    // The page of a network that wants a password is no pack.
    if (!/^application\/pdf/.test(page.headers.get("content-type") ?? "")) throw new Error("not ours");
    pages.push({ language, pdf: await asText(await page.blob()), text: await (await get(text)).text() });
  }
  return { pages, file: await (await get(pack.path)).text() };
}

const isCurrent = ({ sha, alerted_since }: OnServer, copy: Pack["copy"]) =>
  copy?.sha === sha && (!alerted_since || Date.now() - copy!.at < FRESH_MS);

/** Has a copy of each pack that goes along, and of no other. */
async function settle(person: string, answer: Answer): Promise<void> {
  const had = new Map(packs.value.map((pack) => [pack.child_id, pack.copy]));
  const heard = Date.now();
  const lasts = Date.parse(answer.until_at!) - Date.parse(answer.server_time);
  const list: Pack[] = answer.packs.map((pack) => ({
    ...pack,
    copy: pack.state === "carried" ? had.get(pack.child_id) : undefined,
  }));
  for (const child of had.keys()) {
    if (!list.some((pack) => pack.child_id === child && pack.state === "carried"))
      await forget(person, copyName(child));
  }
  shelf.value = { begins: heard, ends: heard + lasts, packs: list, dropped: [] };
  await keepShelf(person);
  wake();
  const missed: string[] = [];
  for (const pack of list) {
    if (pack.state !== "carried" || isCurrent(pack, pack.copy)) continue;
    try {
      await keep(person, copyName(pack.child_id), await fetchCopy(pack));
      note(pack.child_id, { sha: pack.sha, at: heard });
    } catch {
      missed.push(pack.child_id);
    }
    // Another person came in, or the duty ended, while this was on its way.
    if (who.value !== person) return;
    if (!shelf.value) return await dropPacks();
  }
  stuck.value = missed;
  await keepShelf(person);
}

function note(child: string, copy: Pack["copy"]): void {
  if (!shelf.value) return;
  const all = shelf.value.packs.map((pack) => (pack.child_id === child ? { ...pack, copy } : pack));
  shelf.value = { ...shelf.value, packs: all };
}

/** Takes along what needs no reason of one's own: adults are alerted, or the reason was said on another phone. */
async function takeOpen(onServer: OnServer[]): Promise<boolean> {
  const open = onServer.filter((pack) => pack.state === "open");
  for (const pack of open) await ask("POST", `/children/${pack.child_id}/pack/checkouts`, { id: uuid() });
  return open.length > 0;
}

async function askShelf(person: string): Promise<void> {
  await sayDropped();
  const path = `/packs?sealed=${listens ? "yes" : "no"}`;
  let answer = await ask<Answer>("GET", path);
  if (await takeOpen(answer.packs)) answer = await ask<Answer>("GET", path);
  if (who.value !== person || me.value?.person.id !== person) return;
  if (answer.until_at === null) {
    news.value = "off-duty";
    return await dropAll();
  }
  await settle(person, answer);
  news.value = "here";
}

async function refused(why: unknown, isStill: () => boolean): Promise<void> {
  if (!isStill()) return;
  if (!(why instanceof Refused)) {
    news.value = "offline";
    return;
  }
  const isOut = [401, 403, 404].includes(why.status);
  news.value = isOut ? "out" : "failing";
  // A person the server does not let in has nothing here, whatever the reason.
  if (isOut) await dropAll();
  if (why.status === 401) await shutOut(isStill);
}

let running: Promise<void> | null = null;

/** How many screens show what is sealed too: else nobody looks at those children. */
let listens = 0;

/** While a screen shows the shelf, all of it is asked for. */
export function watch(): () => void {
  listens++;
  void refreshAnew();
  return () => void listens--;
}

/** Asks the server what may be here. One asking at a time. */
export function refresh(): Promise<void> {
  const person = who.value;
  if (!person || isShutOut.value || !mayCarry(me.value)) return Promise.resolve();
  isBusy.value = true;
  const isStill = sameSession();
  running ??= askShelf(person)
    .catch((why: unknown) => refused(why, isStill))
    .finally(() => {
      running = null;
      isBusy.value = false;
    });
  return running;
}

/** Takes these along for a reason that each child can read. Throws what the server said, or that nobody answered. */
export async function take(children: string[], why: string): Promise<void> {
  try {
    for (const child of children) await ask("POST", `/children/${child}/pack/checkouts`, { id: uuid(), why });
  } finally {
    await refreshAnew();
  }
}

/** Puts one down: it goes from this phone at once, and the server hears of it as soon as it can. */
export async function putDown(child: string): Promise<void> {
  const person = who.value;
  if (!person || !shelf.value) return;
  const { packs: all, dropped, ...times } = shelf.value;
  shelf.value = { ...times, packs: all.filter((pack) => pack.child_id !== child), dropped: [...dropped, child] };
  await forget(person, copyName(child));
  await keepShelf(person);
  await refreshAnew();
}

/** An asking that has begun may be about how it was before. */
async function refreshAnew(): Promise<void> {
  await running;
  await refresh();
}

async function sayDropped(): Promise<void> {
  for (const child of shelf.value?.dropped ?? []) {
    await ask("DELETE", `/children/${child}/pack/checkouts`).catch((why: unknown) => {
      // A person who may not put it down no longer has it with them.
      if (!(why instanceof Refused) || ![403, 404].includes(why.status)) throw why;
    });
  }
}

/** What this phone has of a pack; nothing once the duty is over. */
export async function copyOf(child: string): Promise<Copy | null> {
  if (!who.value || (await end())) return null;
  return (await read<Copy>(who.value, copyName(child))) ?? null;
}

async function recall(person: string): Promise<void> {
  const kept = await read<Shelf>(person, SHELF);
  if (who.value !== person) return;
  shelf.value = kept ?? null;
  if (await end()) return;
  wake();
  if (kept) news.value = "here";
}

export function begin(): void {
  effect(() => {
    const person = who.value;
    const isOut = isShutOut.value;
    const may = mayCarry(me.value);
    untracked(() => {
      shelf.value = null;
      if (person && may && !isOut)
        return void dropPacks(person)
          .then(() => recall(person))
          .then(refreshAnew);
      clearTimeout(bell);
      void dropAll().catch(() => undefined);
    });
  });
  // A phone that slept may have slept past the end.
  effect(() => {
    void now.value;
    untracked(() => void end());
  });
  addEventListener("online", () => void refresh());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void refresh();
  });
  // A person signed out at the desk, in another window: there nothing is left, and so here.
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== DESK_IS_HERE || newValue !== null) return;
    news.value = "out";
    void dropAll();
  });
}

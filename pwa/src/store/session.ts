/** Who uses this phone, what the server last said about them, and how they come in and go out. */
import { computed, effect, signal } from "@preact/signals";
import { ask, Refused, speakFor, spokenFor, type Me } from "../api";
import { uuid } from "../bytes";
import { keepLanguage, language } from "../i18n";
import { forget, isVolatile, PHONE, read, wipe, writeIfRoom, type Who } from "./db";
import { comeIn, type Came } from "./joining";
import { withDigits } from "./digits";
import * as goodbye from "./goodbye";
import { keepStanding, phoneOf, type Session, type Standing } from "./mates";
import { hasLoose, waiting } from "./outbox";
import * as roster from "./roster";

/** The person whose app this is, or null before pairing. */
export const who = signal<Who | null>(null);
export const me = signal<Me | null>(null);

/** The child that a link of the desk named; "" where it named none. */
export const linkChild = signal<string | null>(null);

/** Begins a part of the app anew for each person: the next child on this phone reads nothing of the one before. */
export function forEachPerson(begin: () => void): void {
  effect(() => {
    void who.value;
    begin();
  });
}

/** True once the server said that it does not know this phone any more. The queue is kept. */
export const isShutOut = signal(false);

/** True while words from before a new pairing wait for the child's yes before they are sent. */
export const asksToHandIn = signal(false);

/** True where this browser keeps nothing after the app is closed. */
export const keepsNothing = signal(false);

export const maySend = computed(() => who.value !== null && !isShutOut.value && !asksToHandIn.value);

/** Which session this window has: another window may have let a person in since. */
let id = "";

const kept = () => read<Session>(PHONE, "session");

/** A new session takes the place of any other; what becomes of an earlier one says nothing about a later. */
async function keepSession({ isNew = false } = {}): Promise<void> {
  if (who.value === null) return;
  const session: Session = { id, who: who.value, shutOut: isShutOut.value, asks: asksToHandIn.value };
  if (roster.isShared.value) await keepStanding(session);
  const there = isNew ? session : await kept();
  if (there && (there.id ?? "") === id) await writeIfRoom(PHONE, "session", session);
}

/** How many there were in this window. */
let sessions = 0;

function beginSession(): void {
  id = uuid();
  sessions += 1;
}

/** Phones of before had one id: it belongs to this child, who came in with it. */
async function knowPhone(person: Who): Promise<void> {
  const isKnown = (await phoneOf(person)) !== null;
  const before = isKnown || !me.value || isStaff.value ? undefined : await read<string>(PHONE, "device");
  if (before) await writeIfRoom(person, "device", before);
  speakFor(await phoneOf(person));
}

/** Reads what the phone knows. Never waits for the network. */
export async function recall(): Promise<void> {
  keepsNothing.value = await isVolatile();
  const [session] = await Promise.all([kept(), roster.recall()]);
  roster.isLocked.value = roster.isShared.value && !(session && roster.hasTurn(session.who));
  if (!session || roster.isLocked.value) return;
  me.value = (await read<Me>(session.who, "me")) ?? null;
  isShutOut.value = session.shutOut;
  asksToHandIn.value = session.asks;
  id = session.id ?? "";
  await knowPhone(session.who);
  who.value = session.who;
}

/** A turn begins: the app begins anew for this person, and has nothing of anybody else in its memory. */
export async function beginTurn(person: Who): Promise<void> {
  const standing = await read<Standing>(person, "standing");
  const { shutOut = false, asks = false } = standing ?? {};
  await writeIfRoom(PHONE, "session", { id: uuid(), who: person, shutOut, asks } satisfies Session);
  keepLanguage((await read<string>(person, "language")) ?? (await read<Me>(person, "me"))?.person.language);
  roster.takeTurn(person);
  location.reload();
}

/** What another tab, or the worker, wrote down in the meantime. */
export async function reread(): Promise<void> {
  if (who.value) me.value = (await read<Me>(who.value, "me")) ?? me.value;
}

/** Tells later whether nobody came in or went since: what was asked for one session says nothing about the next. */
export function sameSession(): () => boolean {
  const then = sessions;
  return () => sessions === then;
}

/** Pages and worker tell each other that the store changed, and pages that a person has gone. */
export const others = "BroadcastChannel" in globalThis ? new BroadcastChannel("planner") : null;

/** Another window let a person in, or out: this one begins anew, unless words of theirs are in its memory alone. */
export function startOver(): boolean {
  if (keepsNothing.value || hasLoose()) return false;
  location.reload();
  return true;
}

/** The server does not know the session of `isStill` any more. */
export async function shutOut(isStill: () => boolean): Promise<void> {
  // What was said of a phone that this child had before tells nothing about the one they have now, by another window.
  const isOurs = who.value === null || spokenFor() === (await phoneOf(who.value));
  if (isShutOut.value || !isStill() || (!isOurs && startOver())) return;
  isShutOut.value = true;
  if (isOurs) await keepSession();
}

let handedBack: () => void = () => undefined;

/** What sends, once something confirmed waits again. */
export function onHandedBack(sender: () => void): void {
  handedBack = sender;
}

/** Where the server was put back from a backup, it may lack what this phone had from it in writing. */
async function follow({ person, epoch }: Me): Promise<void> {
  if (!epoch || (await read<string>(person.id, "epoch")) === epoch.id) return;
  const { handInAgain } = await import("./afterBackup");
  await handInAgain(person.id, epoch);
  handedBack();
}

let askedAt = 0;

/** Asks the server how things stand; at most once a minute unless `now` is forced by a change. */
export async function refresh({ force = false } = {}): Promise<void> {
  if (!who.value || isShutOut.value || (!force && Math.abs(Date.now() - askedAt) < 60_000)) return;
  askedAt = Date.now();
  const isStill = sameSession();
  try {
    const fresh = await ask<Me>("GET", "/me");
    if (!isStill()) return;
    // Another person came in with this browser: their session sends nobody's words but their own.
    if (fresh.person.id !== who.value) return await shutOut(isStill);
    me.value = fresh;
    await writeIfRoom(fresh.person.id, "me", fresh);
    await follow(fresh);
  } catch (why) {
    if (why instanceof Refused && why.status === 401) await shutOut(isStill);
    else askedAt = 0;
  }
}

const SEEN_EVERY_MS = 10 * 60_000;

/** Tells the server that the app was open: a sign of life, never an answer. */
export async function seen(): Promise<void> {
  if (!who.value || isShutOut.value || isStaff.value) return;
  const person = who.value;
  const last = (await read<number>(person, "seen")) ?? 0;
  if (Math.abs(Date.now() - last) < SEEN_EVERY_MS) return;
  const sent = await ask("POST", "/me/seen", {}).then(
    () => true,
    () => false,
  );
  if (sent) await writeIfRoom(person, "seen", Date.now());
}

/** A person who works with children, and signed in at the desk; the app then shows the projects alone. */
export const isStaff = computed(() => me.value !== null && me.value.person.role !== "child");

/** Comes in with the session of the desk. A child's session, or none, changes nothing here. */
export async function enter(): Promise<void> {
  // What several children share is nobody's desk.
  if (roster.isShared.value) return;
  // Who signed out is not let in again by a session that the server has not ended yet.
  if (!(await goodbye.say())) return;
  const fresh = await ask<Me>("GET", "/me", undefined, null).catch(() => null);
  if (!fresh || fresh.person.role === "child") return;
  const person = fresh.person.id;
  const isAnew = who.value !== person || isShutOut.value;
  if (who.value && who.value !== person) await giveWay(who.value, person);
  // Words from before a new sign-in are never sent under it without a yes.
  if (isAnew) asksToHandIn.value = (await waiting(person)).length > 0;
  isShutOut.value = false;
  speakFor(null);
  me.value = fresh;
  if (isAnew) beginSession();
  who.value = person;
  await writeIfRoom(person, "me", fresh);
  await keepSession({ isNew: true });
}

/**
 * The id of this phone: made once, the same for every pairing, so that a lost answer can be asked for again.
 * Where several share the phone, it is one for each of them.
 */
async function deviceId(): Promise<string> {
  const device = await read<string>(PHONE, "device");
  const taken = await Promise.all(roster.roster.value.map((mate) => phoneOf(mate.who)));
  if (device && !taken.includes(device)) return device;
  const made = uuid();
  await writeIfRoom(PHONE, "device", made);
  return made;
}

/** A word by which one knows this phone again in the list of one's phones; no model, no serial number. */
function label(): string {
  const kind = /iPhone|iPad|Android|Windows|Macintosh|CrOS|Linux/.exec(navigator.userAgent)?.[0];
  return kind === "Macintosh" ? "Mac" : kind === "CrOS" ? "Chromebook" : (kind ?? "");
}

/** The code as it was meant. */
export const tidyCode = (typed: string) =>
  withDigits(typed)
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "");

/**
 * Another person has this phone now: of the one before only unsent words stay, locked. First of all nothing is sent
 * for them any more, even if this is the last that the phone does.
 */
async function giveWay(before: Who, person: Who): Promise<void> {
  beginSession();
  await forget(PHONE, "session");
  await writeIfRoom(PHONE, "session", { id, who: person, shutOut: false, asks: true } satisfies Session);
  await wipe(before, { unsentToo: false });
  others?.postMessage({ left: before });
}

async function knock(code: string): Promise<Came> {
  const device = { id: await deviceId(), label: label() };
  const body = { code: tidyCode(code), device, cookie: true, ...(roster.isShared.value ? { beside: true } : {}) };
  const { person } = await ask<{ person: Me["person"] }>("POST", "/pair", body, null);
  return { person: person.id, device: device.id };
}

/**
 * Pairs this phone. Throws what the server answered; the same code may be tried again.
 * Where the phone is shared, it is the turn of the person it returns, and nothing else has changed.
 */
export async function pair(code: string): Promise<Who | null> {
  await goodbye.say();
  const came = await knock(code).catch(async (why: unknown) => {
    if (!(why instanceof Refused) || why.code !== "id_reused") throw why;
    // The server knows this phone as another person's, who had it before: it comes in as a new one.
    await forget(PHONE, "device");
    return knock(code);
  });
  const { person, device } = came;
  if (roster.isShared.value) {
    await comeIn(came);
    return person;
  }
  const before = who.value ?? (await kept())?.who;
  if (before && before !== person) {
    await giveWay(before, person);
    me.value = null;
  }
  await goodbye.drop(device);
  await writeIfRoom(person, "device", device);
  speakFor(device);
  // Words said before this pairing are never sent under it without the child's yes.
  asksToHandIn.value = (await waiting(person)).length > 0;
  isShutOut.value = false;
  askedAt = 0;
  beginSession();
  who.value = person;
  await keepSession({ isNew: true });
  await refresh({ force: true });
  if (me.value && me.value.person.language !== language.value) {
    void ask("PATCH", "/me", { language: language.value }).catch(() => undefined);
  }
  return null;
}

export async function handIn(): Promise<void> {
  asksToHandIn.value = false;
  await keepSession();
}

/** Signs this phone out. Unsent words stay on it, sealed, unless the child said to throw them away. */
export async function signOut({ unsentToo }: { unsentToo: boolean }): Promise<void> {
  const person = who.value;
  if (!person) return;
  sessions += 1;
  await goodbye.promise(await phoneOf(person));
  await roster.part(person);
  roster.takeTurn(null);
  await wipe(person, { unsentToo });
  speakFor(null);
  who.value = null;
  me.value = null;
  isShutOut.value = false;
  asksToHandIn.value = false;
  roster.isLocked.value = roster.isShared.value;
  if ((await kept())?.who === person) await forget(PHONE, "session");
  others?.postMessage({ left: person });
  // Nothing of the person is here any more, whether the server can be asked or not.
  void goodbye.say();
}

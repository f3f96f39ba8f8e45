/**
 * Sends the outbox whenever there is a reason to believe that it might work, and knows what to show:
 * what waits, what was refused, and what became of the last tap.
 */
import { computed, signal } from "@preact/signals";
import { onAnswer, Unreachable, type Answer, type How, type Mark, type Receipt, type Want } from "../api";
import { uuid } from "../bytes";
import { language, speak } from "../i18n";
import { writeIfRoom, type Who } from "./db";
import { again, append, discard, flush, waiting, type Halt, type Sending } from "./outbox";
import type { Content } from "./kinds";
import { senders } from "./mates";
import { isLocked, isShared } from "./roster";
import { maySend, me, onHandedBack, others, refresh, reread, sameSession, shutOut, startOver, who } from "./session";
import type { Exchange, Place } from "./sync";

export const queue = signal<Sending[]>([]);
export const halt = signal<Halt | null>(null);

export const answers = computed(() => queue.value.filter((sending) => sending.kind === "check_in"));

/** What the child would miss: a choice of language is none of it, nor a reminder put off. */
export const unsent = computed(() => queue.value.filter(({ kind }) => kind !== "language" && kind !== "snooze"));
export const refused = computed(() => queue.value.filter((sending) => sending.problem));

/** What became of the last tap, shown in its place. */
export interface Tap {
  id: string;
  want: Want;
  mood: number | null;
  stage: "saving" | "saved" | "loose" | "received" | "refused";
  receivedAt: string | null;
  /** It came too late to tell how the child is now. */
  isOld?: boolean;
}
export const tap = signal<Tap | null>(null);

export async function look(): Promise<void> {
  queue.value = who.value ? await waiting(who.value).catch(() => queue.value) : [];
}

function follow(receipts: Receipt[]): void {
  const mine = tap.value;
  if (!mine) return;
  const receipt = receipts.find((each) => each.id === mine.id);
  const { received_at: receivedAt, is_old: isOld } = receipt ?? {};
  if (receivedAt) tap.value = { ...mine, stage: "received", receivedAt, isOld };
  else if (refused.value.some((each) => each.id === mine.id)) tap.value = { ...mine, stage: "refused" };
}

/** The projects that this phone follows, and what reads their rows anew after an exchange. */
export const followed = signal<Place[]>([]);
let readAnew: () => Promise<void> = () => Promise.resolve();

export function onRows(reader: () => Promise<void>): void {
  readAnew = reader;
}

let timer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;

/** A child's words wait for no server longer than this, whatever it asks for. */
const LONGEST_MS = 3_600_000;

/** Waits longer after each failure, up to five minutes, never in step with other phones. */
function later(retryAfterS: number | null): void {
  clearTimeout(timer);
  const wait = Math.min(300_000, 2_000 * 2 ** Math.min(failures, 8)) * (0.75 + Math.random() / 2);
  timer = setTimeout(() => void send(), Math.max(wait, Math.min(LONGEST_MS, (retryAfterS ?? 0) * 1_000)));
}

/** In a file of its own: until there is a project, the app opens without it. */
const exchange: Exchange = async (...given) => {
  const sync = await import("./sync").catch(() => null);
  if (!sync) throw new Unreachable("sync");
  return sync.exchange(...given);
};

let running: Promise<void> | null = null;

async function sendOnce(): Promise<void> {
  if (!who.value || !maySend.value) return look();
  const wasLate = me.value?.standing === "late";
  const isStill = sameSession();
  const outcome = await flush(who.value, exchange, followed.value);
  halt.value = outcome.halt;
  // The rows first: what leaves the queue is among them, so that nothing is out of sight for a moment.
  if (outcome.came > 0) await readAnew();
  await look();
  follow(outcome.receipts);
  if (outcome.receipts.length > 0) await reread();
  // Whether that was late, the server knows.
  if (outcome.receipts.length > 0 && wasLate) void refresh({ force: true });
  if (outcome.receipts.length > 0 || outcome.came > 0) others?.postMessage({ receipts: outcome.receipts });
  if (outcome.halt === "unauthenticated") return shutOut(isStill);
  failures = outcome.halt ? failures + 1 : 0;
  if (outcome.halt) later(outcome.retryAfterS);
}

/** Sends what waits. A call while another runs is followed by one more run: nothing is left behind. */
export async function send(): Promise<void> {
  if (running !== null) {
    await running;
    if (queue.value.length === 0 && followed.value.length === 0) return;
  }
  running ??= sendOnce()
    .catch(() => later(null))
    .finally(() => (running = null));
  await running;
}

/** What others who share this phone have said, no matter whose turn it is. */
async function sendForOthers(): Promise<void> {
  if (!isShared.value) return;
  for (const other of await senders()) if (other !== who.value) await flush(other, exchange).catch(() => undefined);
}

/** The browser sends what waits even when the app is closed meanwhile, where it can (Chromium). */
export async function askForSync(): Promise<void> {
  // The app's worker, also from a page of the desk.
  const worker = await navigator.serviceWorker?.getRegistration("/app/");
  const sync = (worker as unknown as { sync?: { register(tag: string): Promise<void> } })?.sync;
  await sync?.register("outbox");
}

export async function put(content: Content): Promise<boolean> {
  const kept = await append(who.value!, content);
  await look();
  void askForSync().catch(() => undefined);
  return kept;
}

export interface Said {
  mood: number | null;
  note: string;
  want: Want;
  mark: Mark;
  how?: How;
  who?: string;
}

/**
 * The child's tap. Both ways to say "I'm OK" run through here with the same steps and the same sizes; they
 * differ in one letter, which is sealed on the phone and gone from it once the server has it. It is over as
 * soon as the phone has kept it; nothing waits for the network.
 */
export async function checkIn({ mood, note, want, mark, ...wish }: Said): Promise<void> {
  const id = uuid();
  const words = note.trim() || null;
  const body: Answer = { id, said_at: new Date().toISOString(), mood, note: words, want, mark, ...wish };
  tap.value = { id, want, mood, stage: "saving", receivedAt: null };
  tappedAt = Date.now();
  const kept = await put({ kind: "check_in", body });
  if (tap.value?.id === id && tap.value.stage === "saving") {
    tap.value = { ...tap.value, stage: kept ? "saved" : "loose" };
  }
  failures = 0;
  void send();
}

/** A language chosen here is spoken at once; the server hears of it with the next words. */
export async function chooseLanguage(code: string): Promise<boolean> {
  if (!(await speak(code))) return false;
  if (who.value && !isLocked.value) {
    await writeIfRoom(who.value, "language", code);
    await put({ kind: "language", body: { language: language.value } });
  }
  void send();
  return true;
}

export async function tryAgain(sending: Sending): Promise<void> {
  await again(who.value!, sending);
  await look();
  await send();
}

export async function throwAway(sending: Sending): Promise<void> {
  await discard(sending.id);
  await look();
}

/** The thanks stay for a while; then the buttons are back for the next time. */
const THANKS_MS = 10 * 60_000;
let tappedAt = 0;

function clearThanks(): void {
  if (tap.value && Math.abs(Date.now() - tappedAt) > THANKS_MS) tap.value = null;
}

/** Listens for every sign that sending may work now. */
export function begin(): void {
  addEventListener("online", () => {
    failures = 0;
    void send().then(sendForOthers);
    void refresh();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    clearThanks();
    void send();
  });
  setInterval(clearThanks, 60_000);
  others?.addEventListener("message", (event: MessageEvent<{ receipts?: Receipt[]; left?: Who }>) => {
    if (event.data.left && event.data.left === who.value) startOver();
    if (!event.data.receipts) return;
    follow(event.data.receipts);
    void readAnew().then(look).then(reread);
  });
  onAnswer((cameBack) => {
    if (!cameBack) return;
    failures = 0;
    if (unsent.value.length > 0) void send();
  });
  onHandedBack(() => void look().then(send));
  void look().then(send).then(sendForOthers);
}

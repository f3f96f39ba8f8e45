/** Reminders: asked for only after a tap, and put right at every start. */
import { signal } from "@preact/signals";
import { ask } from "./api";
import { bytes, uuid } from "./bytes";
import { forget, read, write, writeIfRoom } from "./store/db";
import { phoneOf } from "./store/mates";
import { roster } from "./store/roster";
import { isStaff, me, refresh, who } from "./store/session";

export type Reminders = "unknown" | "on" | "off" | "blocked" | "install" | "impossible" | "failed";
export const reminders = signal<Reminders>("unknown");

/** What the phone says where reminders may not reach it; null where there is nothing to say. */
export type Proof = "asks" | "trying" | "works" | "waiting" | "blocked" | "failed";
export const proof = signal<Proof | null>(null);

interface Kept {
  id: string;
  endpoint: string;
  key: string;
  /** The server was told that this phone says what it has shown. */
  receipts?: boolean;
}

const isInstalled = () =>
  matchMedia("(display-mode: standalone)").matches ||
  (navigator as Navigator & { standalone?: boolean }).standalone === true;

const isApple = () => /iPhone|iPad/.test(navigator.userAgent);

function possible(): boolean {
  return "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
}

/** What can be said without asking the child or the network anything. */
export async function glance(): Promise<void> {
  if (!possible()) reminders.value = isApple() && !isInstalled() ? "install" : "impossible";
  else if (Notification.permission === "denied") reminders.value = "blocked";
  else if (!who.value) reminders.value = "off";
  else reminders.value = (await read<Kept>(who.value, "push")) ? "on" : "off";
}

async function subscription(key: string): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const current = await pushManager.getSubscription();
  const was = current?.options.applicationServerKey;
  if (current && was && String(new Uint8Array(was)) === String(bytes(key))) return current;
  await current?.unsubscribe(); // Made for another key: the server could not use it.
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

/** Subscribes, or finds the subscription as it was, and tells the server where that changed. */
async function align(person: string, key: string): Promise<void> {
  const address = await subscription(key);
  const kept = await read<Kept>(person, "push");
  // An id that the server has given up is never taken again.
  const known = kept?.endpoint === address.endpoint && (await isListed(kept.id)) ? kept : null;
  if (known?.key === key && known.receipts) return;
  await hand(person, key, address, known?.id ?? uuid());
}

async function hand(person: string, key: string, address: PushSubscription, id: string): Promise<void> {
  await ask("POST", "/push-subscriptions", { ...address.toJSON(), id, receipts: true }, await phoneOf(person));
  await write(person, "push", { id, endpoint: address.endpoint, key, receipts: true } satisfies Kept);
}

/** The others on this phone who want reminders here: the browser has one address for all of them. */
async function others(): Promise<string[]> {
  const mates = roster.value.map((mate) => mate.who).filter((mate) => mate !== who.value);
  const wanted = await Promise.all(mates.map((mate) => read<Kept>(mate, "push")));
  return mates.filter((_, n) => wanted[n]);
}

interface Listed {
  id: string;
  health?: string;
}

const listed = async () =>
  (await ask<{ push_subscriptions?: Listed[] }>("GET", "/push-subscriptions")).push_subscriptions;

/** The server drops an address that failed: then the phone says it again. Without a network: no opinion. */
async function isListed(id: string): Promise<boolean> {
  return (await listed().catch(() => null))?.some((each) => each.id === id) ?? true;
}

/** After "not now" nobody is asked again for so long. */
const PUT_OFF_MS = 7 * 24 * 3_600_000;

/** Whenever the server has said how things stand: whether the child is to be asked. */
export async function consider(): Promise<void> {
  const isSilent = me.value?.reminders === "stale" || me.value?.reminders === "broken";
  if (!isSilent || !who.value || isStaff.value || !possible()) {
    if (proof.value === "asks") proof.value = null;
    return;
  }
  const last = (await read<number>(who.value, "put-off")) ?? 0;
  if (proof.value === null && Math.abs(Date.now() - last) > PUT_OFF_MS) proof.value = "asks";
}

export async function putOff(): Promise<void> {
  if (proof.value !== "works" && who.value) await writeIfRoom(who.value, "put-off", Date.now());
  proof.value = null;
}

/** So long one waits for the push that shows whether they arrive, in steps. */
const LOOKS_MS = [1_000, 1_000, 2_000, 3_000, 4_000, 5_000];

async function arrives(id: string): Promise<boolean> {
  for (const ms of LOOKS_MS) {
    await new Promise((done) => setTimeout(done, ms));
    if ((await listed())?.some((each) => each.id === id && each.health === "healthy")) return true;
  }
  return false;
}

/** The child tapped "Try again": a new address, and one push to it, whose receipt says that they arrive. */
export async function tryAgain(): Promise<void> {
  const [person, key] = [who.value, me.value?.vapid_public_key];
  if (!person || !key || proof.value === "trying") return;
  proof.value = "trying";
  try {
    if ((await Notification.requestPermission()) !== "granted") return void (proof.value = "blocked");
    const { pushManager } = await navigator.serviceWorker.ready;
    await (await pushManager.getSubscription())?.unsubscribe();
    const id = uuid();
    const address = await subscription(key);
    await hand(person, key, address, id);
    for (const other of await others()) await hand(other, key, address, uuid()).catch(() => undefined);
    reminders.value = "on";
    await ask("POST", `/push-subscriptions/${id}/test`);
    proof.value = (await arrives(id)) ? "works" : "waiting";
  } catch {
    proof.value = "failed";
  }
  await refresh({ force: true });
}

/** At every start: browsers lose subscriptions silently. */
export async function resync(): Promise<void> {
  await glance();
  const key = me.value?.vapid_public_key;
  if (reminders.value !== "on" || !key || !who.value) return;
  if (Notification.permission !== "granted") return void (reminders.value = "off");
  await align(who.value, key).catch(() => undefined);
}

/** The child tapped "Turn on". */
export async function turnOn(): Promise<void> {
  const key = me.value?.vapid_public_key;
  if (!key || !who.value) return void (reminders.value = "failed");
  if ((await Notification.requestPermission()) !== "granted") {
    reminders.value = Notification.permission === "denied" ? "blocked" : "off";
    return;
  }
  try {
    await align(who.value, key);
    reminders.value = "on";
  } catch {
    reminders.value = "failed";
  }
}

export async function turnOff(): Promise<void> {
  const person = who.value;
  if (!person) return;
  const kept = await read<Kept>(person, "push");
  const registration = await navigator.serviceWorker?.getRegistration();
  const address = await registration?.pushManager?.getSubscription();
  if ((await others()).length === 0) await address?.unsubscribe().catch(() => undefined);
  if (kept) await ask("DELETE", `/push-subscriptions/${kept.id}`).catch(() => undefined);
  await forget(person, "push");
  reminders.value = "off";
}

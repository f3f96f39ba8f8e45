/** Reminders: asked for only after a tap, and put right at every start. */
import { signal } from "@preact/signals";
import { ask } from "./api";
import { bytes, uuid } from "./bytes";
import { forget, read, write } from "./store/db";
import { me, who } from "./store/session";

export type Reminders = "unknown" | "on" | "off" | "blocked" | "install" | "impossible" | "failed";
export const reminders = signal<Reminders>("unknown");

interface Kept {
  id: string;
  endpoint: string;
  key: string;
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
  const known = await pushManager.getSubscription();
  const was = known?.options.applicationServerKey;
  if (known && was && String(new Uint8Array(was)) === String(bytes(key))) return known;
  await known?.unsubscribe(); // Made for another key: the server could not use it.
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

/** Subscribes, or finds the subscription as it was, and tells the server where that changed. */
async function align(person: string, key: string): Promise<void> {
  const found = await subscription(key);
  const kept = await read<Kept>(person, "push");
  if (kept?.endpoint === found.endpoint && kept.key === key && (await isListed(kept.id))) return;
  const id = kept?.endpoint === found.endpoint ? kept.id : uuid();
  await ask("POST", "/push-subscriptions", { ...found.toJSON(), id });
  await write(person, "push", { id, endpoint: found.endpoint, key } satisfies Kept);
}

/** The server drops an address that failed: then the phone says it again. Without a network: no opinion. */
async function isListed(id: string): Promise<boolean> {
  const answer = await ask<{ push_subscriptions?: { id: string }[] }>("GET", "/push-subscriptions").catch(
    () => null,
  );
  return answer?.push_subscriptions?.some((one) => one.id === id) ?? true;
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
  const found = await registration?.pushManager?.getSubscription();
  await found?.unsubscribe().catch(() => undefined);
  if (kept) await ask("DELETE", `/push-subscriptions/${kept.id}`).catch(() => undefined);
  await forget(person, "push");
  reminders.value = "off";
}

/**
 * Alarms in this browser: a push subscription for a member of staff. The page says everything itself:
 *
 *   <section data-alarms data-key="the server's public VAPID key">
 *     <p data-when="off">… <button type="button" data-turn-on>…</button></p>
 *     <p data-when="on" hidden>…</p>        also: silent (none was shown), blocked, impossible, failed
 *   </section>
 *
 * The worker has a registration of its own, beside the one of the children's app, so that a child and a
 * member of staff who use the same browser never get each other's messages.
 */
import { ask } from "../api";
import { bytes, uuid } from "../bytes";

type State = "off" | "on" | "silent" | "blocked" | "impossible" | "failed";

const KEPT_AS = "desk-alarms";

function show(section: HTMLElement, state: State): void {
  for (const part of section.querySelectorAll<HTMLElement>("[data-when]")) {
    part.hidden = part.dataset["when"] !== state;
  }
}

function worker(): Promise<ServiceWorkerRegistration> {
  return navigator.serviceWorker.register("/app/desk-sw.js", { scope: "/app/desk/" });
}

/** `ready` would wait for a worker of this very page; ours has no pages. */
async function active(): Promise<ServiceWorkerRegistration> {
  const registration = await worker();
  const coming = registration.installing ?? registration.waiting;
  if (registration.active || !coming) return registration;
  await new Promise<void>((done) => {
    coming.addEventListener("statechange", () => registration.active && done());
  });
  return registration;
}

/** The address that the server was told last, and the id that was made for it here. */
function kept(): { endpoint?: string; id?: string; receipts?: boolean } {
  return JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}") as ReturnType<typeof kept>;
}

async function tell(subscription: PushSubscription): Promise<string> {
  const { endpoint } = subscription;
  const told = kept();
  const id = told.endpoint === endpoint && told.id ? told.id : uuid();
  await ask("POST", "/push-subscriptions", { ...subscription.toJSON(), id, receipts: true });
  localStorage.setItem(KEPT_AS, JSON.stringify({ endpoint, id, receipts: true }));
  return id;
}

/** Off where a person removed this browser's address, or the server gave it up; silent where it shows nothing. */
async function stateOf(id: string | undefined): Promise<State> {
  const { push_subscriptions } = await ask<{ push_subscriptions: { id: string; health: string }[] }>(
    "GET",
    "/push-subscriptions",
  );
  const ours = push_subscriptions.find((each) => each.id === id);
  if (!ours) return "off";
  return ours.health === "stale" || ours.health === "broken" ? "silent" : "on";
}

async function turnOn(section: HTMLElement): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") {
    return show(section, Notification.permission === "denied" ? "blocked" : "off");
  }
  try {
    const { pushManager } = await active();
    const key = bytes(section.dataset["key"] ?? "");
    const before = kept().id;
    await (await pushManager.getSubscription())?.unsubscribe();
    const id = await tell(await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
    // What stood for this browser before reaches nobody now; and a first alarm shows whether they arrive.
    if (before && before !== id) await ask("DELETE", `/push-subscriptions/${before}`).catch(() => undefined);
    if (before) await ask("POST", `/push-subscriptions/${id}/test`);
    location.reload();
  } catch {
    show(section, "failed");
  }
}

async function stateNow(): Promise<State> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "impossible";
  if (Notification.permission === "denied") return "blocked";
  const registration = await navigator.serviceWorker.getRegistration("/app/desk/");
  const address = await registration?.pushManager.getSubscription();
  const told = kept();
  if (!address || !told.id) return "off";
  // Browsers renew addresses silently: the new one is told. One that was removed stays removed.
  if (told.endpoint !== address.endpoint) await tell(address);
  const state = await stateOf(kept().id);
  if (state !== "off" && !kept().receipts) await tell(address);
  return state;
}

export function begin(): void {
  for (const section of document.querySelectorAll<HTMLElement>("[data-alarms]")) {
    for (const button of section.querySelectorAll("[data-turn-on]")) {
      button.addEventListener("click", () => void turnOn(section));
    }
    stateNow().then(
      (state) => show(section, state),
      () => show(section, "failed"),
    );
  }
}

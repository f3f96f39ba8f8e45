/**
 * Alarms in this browser: a push subscription for somebody of the staff. The page says everything itself:
 *
 *   <section data-alarms data-key="the server's public VAPID key">
 *     <p data-when="off">… <button type="button" data-turn-on>…</button></p>
 *     <p data-when="on" hidden>…</p>        also: blocked, impossible, failed
 *   </section>
 *
 * The worker has a registration of its own, beside the one of the children's app, so that a child and a
 * member of staff who use the same browser never get each other's messages.
 */
import { ask } from "../api";
import { bytes, uuid } from "../bytes";

type State = "off" | "on" | "blocked" | "impossible" | "failed";

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
function kept(): { endpoint?: string; id?: string } {
  return JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}") as { endpoint?: string; id?: string };
}

async function tell(subscription: PushSubscription): Promise<void> {
  const { endpoint } = subscription;
  const known = kept();
  const id = known.endpoint === endpoint && known.id ? known.id : uuid();
  await ask("POST", "/push-subscriptions", { ...subscription.toJSON(), id });
  localStorage.setItem(KEPT_AS, JSON.stringify({ endpoint, id }));
}

/** False where somebody removed this browser's address, or the server gave it up. */
async function isListed(id: string | undefined): Promise<boolean> {
  const { push_subscriptions } = await ask<{ push_subscriptions: { id: string }[] }>(
    "GET",
    "/push-subscriptions",
  );
  return push_subscriptions.some((one) => one.id === id);
}

async function turnOn(section: HTMLElement): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") {
    return show(section, Notification.permission === "denied" ? "blocked" : "off");
  }
  try {
    const { pushManager } = await active();
    const key = bytes(section.dataset["key"] ?? "");
    await (await pushManager.getSubscription())?.unsubscribe();
    await tell(await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
    location.reload();
  } catch {
    show(section, "failed");
  }
}

async function stateNow(): Promise<State> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "impossible";
  if (Notification.permission === "denied") return "blocked";
  const registration = await navigator.serviceWorker.getRegistration("/app/desk/");
  const found = await registration?.pushManager.getSubscription();
  const known = kept();
  if (!found || !known.id) return "off";
  // Browsers renew addresses silently: the new one is told. One that was removed stays removed.
  if (known.endpoint !== found.endpoint) await tell(found);
  return (await isListed(kept().id)) ? "on" : "off";
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

/**
 * New versions. A new worker waits until the child taps, or until nothing unsaved is on any page; what waits in
 * the outbox lies in the store and is not touched by a change of version.
 */
import { computed, effect, signal } from "@preact/signals";

export const isUpdateReady = signal(false);

/** True while something was typed that is nowhere but on this page. */
export const hasUnsavedInput = signal(false);

const written = signal<ReadonlySet<object>>(new Set());

/** True while a person writes on a screen of the project: the words are kept, but the place would be lost. */
export const isEditing = computed(() => written.value.size > 0);

/** Each field for itself: a screen that was left is tidied away when the next one is already written on. */
export function setEditing(field: object, isWritten: boolean): void {
  const fields = new Set(written.peek());
  if (isWritten) fields.add(field);
  else fields.delete(field);
  written.value = fields;
}

/**
 * What came of the tap on "Update": nothing yet; asked, and the browser changes over once the old worker has ended
 * what it does; held up by words on this page; or not before the next start, for another page may say no.
 */
export const update = signal<"" | "asked" | "writing" | "later">("");

/** How long a child looks at "Updating…" at most. */
const PATIENCE_MS = 20_000;

let waitingWorker: ServiceWorker | null = null;
let isReloading = false;

function offer(worker: ServiceWorker): void {
  waitingWorker = worker;
  isUpdateReady.value = true;
  update.value = "";
}

/** An installed app may stay open for weeks, and browsers look for a new version only when one navigates. */
const LOOK_EVERY_MS = 6 * 3_600_000;

function lookNowAndThen(registration: ServiceWorkerRegistration): void {
  let lookedAt = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || Math.abs(Date.now() - lookedAt) < LOOK_EVERY_MS) return;
    lookedAt = Date.now();
    void registration.update().catch(() => undefined);
  });
}

function watch(registration: ServiceWorkerRegistration): void {
  if (registration.waiting && navigator.serviceWorker.controller) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => {
      // Without a controller it is the first worker of all, and nothing has to be replaced.
      if (coming.state === "installed" && navigator.serviceWorker.controller) offer(coming);
    });
  });
}

const isBusy = () => hasUnsavedInput.value || isEditing.value;

/** The worker asks every page before it takes over, and stays where it is while one of them says no. */
function takeOver(): void {
  waitingWorker?.postMessage("take-over");
}

/** The child's tap: says at once what comes of it, and never stays silent. */
export function tapUpdate(): void {
  if (isBusy()) return void (update.value = "writing");
  update.value = "asked";
  takeOver();
  setTimeout(() => {
    if (update.value === "asked") update.value = "later";
  }, PATIENCE_MS);
}

/** Lets the worker keep all screens, once a person is in who may go without a network for days. */
export async function keepAll(): Promise<void> {
  const registration = await navigator.serviceWorker?.ready;
  registration?.active?.postMessage("keep-all");
}

export async function begin(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  let had = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    // The first worker of all replaces nothing: this page is already of its version.
    if (!had) return void (had = true);
    if (isReloading) return;
    isReloading = true;
    // A page that was too slow to answer the worker, or slept, may still have words on it: they come first.
    effect(() => {
      if (!isBusy()) location.reload();
    });
  });
  navigator.serviceWorker.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.data === "may-i") event.ports[0]?.postMessage(!isBusy());
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && isUpdateReady.value) takeOver();
  });
  const registration = await navigator.serviceWorker.register("/app/sw.js", {
    scope: "/app/",
    updateViaCache: "none",
  });
  watch(registration);
  lookNowAndThen(registration);
}

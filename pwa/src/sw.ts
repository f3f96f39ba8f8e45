/// <reference lib="webworker" />
/**
 * The worker: keeps the app's files (never anybody's words), shows what a push says, sends what waits.
 */
import { ask } from "./api";
import { bytes, uuid } from "./bytes";
import { PHONE, read, writeIfRoom } from "./store/db";
import * as goodbye from "./store/goodbye";
import { everybody, phoneOf, senders } from "./store/mates";
import { flush, type Halt } from "./store/outbox";
import * as receipts from "./store/receipts";
import { exchange } from "./store/sync";
import { listen } from "./worker/push";

declare const self: ServiceWorkerGlobalScope;
declare const __SHELL__: string[];
declare const __DEFERRED__: string[];
declare const __WORDS__: string[];
declare const __BUILD__: string;

const SHELL = `shell-${__BUILD__}`;
const WORDS = "words";

interface SyncEvent extends ExtendableEvent {
  tag: string;
}

/** fr-Ab12.json -> fr */
const languageOf = (path: string) => /\/([a-z]+)-[^/]*\.json$/.exec(path)?.[1];

/** The languages that this phone reads today come along into the new version, so that it opens offline in them. */
async function keepWords(): Promise<void> {
  const shelf = await caches.open(WORDS);
  const read = (await shelf.keys()).map((request) => languageOf(new URL(request.url).pathname));
  const wanted = __WORDS__.filter((path) => read.includes(languageOf(path)));
  await Promise.all(wanted.map(async (path) => (await shelf.match(path)) ?? shelf.add(path)));
}

async function keepShell(): Promise<void> {
  const shelf = await caches.open(SHELL);
  // Files with a hash may come from the browser's own cache; the page itself must be today's.
  const [page, ...files] = __SHELL__;
  await Promise.all([shelf.add(new Request(page!, { cache: "reload" })), shelf.addAll(files)]);
}

/** The screens beyond the first: nobody needs them before a child is in, and then for days offline. */
async function keepDeferred(): Promise<void> {
  const shelf = await caches.open(SHELL);
  const missing = await Promise.all(__DEFERRED__.map(async (path) => ((await shelf.match(path)) ? [] : [path])));
  await shelf.addAll(missing.flat());
}

async function keepDeferredIfIn(): Promise<void> {
  if ((await read(PHONE, "session")) || (await read(PHONE, "roster"))) await keepDeferred();
}

self.addEventListener("install", (event) =>
  event.waitUntil(Promise.all([keepShell(), keepWords(), keepDeferredIfIn()])),
);

async function tidy(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
  }
  const shelf = await caches.open(WORDS);
  for (const request of await shelf.keys()) {
    if (!__WORDS__.includes(new URL(request.url).pathname)) await shelf.delete(request);
  }
  await self.clients.claim();
}

self.addEventListener("activate", (event) => event.waitUntil(tidy()));

/** A page of one version only ever meets files of that version, also while the next one is waiting. */
async function fromShelf(request: Request): Promise<Response> {
  const path = request.mode === "navigate" ? __SHELL__[0]! : request.url;
  const shelf = await caches.open(SHELL);
  return (await shelf.match(path, { ignoreVary: true })) ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  const isPage = event.request.mode === "navigate" && pathname.startsWith("/app/");
  if (isPage || pathname.startsWith("/app/assets/")) event.respondWith(fromShelf(event.request));
});

/** A page that does not answer in time has nothing unsaved that is not also in the store. */
function agrees(client: Client): Promise<boolean> {
  return new Promise((answer) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event: MessageEvent<boolean>) => answer(event.data);
    setTimeout(() => answer(true), 1_000);
    client.postMessage("may-i", [port2]);
  });
}

async function takeOver(): Promise<void> {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const answers = await Promise.all(pages.map(agrees));
  if (answers.every(Boolean)) await self.skipWaiting();
}

self.addEventListener("message", (event) => {
  if (event.data === "take-over") event.waitUntil(takeOver());
  if (event.data === "keep-all") event.waitUntil(keepDeferred());
});

async function sendOf(who: string): Promise<Halt | null> {
  const { receipts, came, halt } = await flush(who, exchange);
  if (receipts.length > 0 || came > 0) new BroadcastChannel("planner").postMessage({ receipts });
  // A refused session is for the page to tell; everything else is tried again by the browser.
  return halt === "unauthenticated" ? null : halt;
}

async function sendWaiting(): Promise<void> {
  const people = await senders();
  const isIn = people.length > 0 || (await read(PHONE, "session")) !== undefined;
  if (!isIn && !(await goodbye.say())) throw new Error("unreachable");
  let stopped: Halt | null = null;
  for (const who of people) stopped = (await sendOf(who)) ?? stopped;
  if (stopped) throw new Error(stopped);
}

self.addEventListener("sync", (event) => {
  if ((event as SyncEvent).tag === "outbox") (event as SyncEvent).waitUntil(sendWaiting());
});

listen(self, receipts.give);

interface Renewed extends ExtendableEvent {
  oldSubscription: PushSubscription | null;
  newSubscription: PushSubscription | null;
}

/** The browser renewed, or lost, the address for reminders: make one, tell the server, keep its id. */
async function renew(event: Renewed): Promise<void> {
  let made = event.newSubscription;
  for (const who of await everybody()) {
    const kept = await read<{ id: string; endpoint: string; key: string }>(who, "push");
    if (!kept) continue;
    made ??= await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(kept.key),
    });
    const id = uuid();
    const body = { ...made.toJSON(), id, receipts: true };
    // A person who is no longer let in keeps no reminders from the others.
    await ask("POST", "/push-subscriptions", body, await phoneOf(who)).then(
      () => writeIfRoom(who, "push", { ...kept, id, endpoint: made!.endpoint }),
      () => undefined,
    );
  }
}

self.addEventListener("pushsubscriptionchange", (event) => {
  (event as Renewed).waitUntil(renew(event as Renewed));
});

/**
 * A page with `data-live` stays true while one looks at it: it is asked for anew, and changed in place, when
 * the server says that something changed, and each minute for the times on it. Where `data-live` has a value,
 * that is the page to ask: looking at a child is written down, and a part that renews itself is no look.
 *
 *   <div id="board" data-live>…</div>
 *   <div id="live" data-hx-sse:connect="/desk/live" hidden></div>
 *   <p id="news" hidden>The connection is lost. …</p>
 *
 * It does not move under a pointer or a finger that is on its way to a button: while a person is working
 * in it the change waits, some seconds at most. What merely lies there holds nothing up.
 *
 * What the server has not confirmed for a while says so, also after a night with the lid closed, and until
 * the answer is there. A page of an earlier release, or of a session that has ended, is loaded anew, unless that
 * would cost what was typed.
 */
import htmx from "htmx.org/dist/htmx.esm.js";
import { used } from "./idle";
import { leaveOnly, written } from "./keeping";

const TOGETHER_MS = 250;
const TOUCHED_MS = 2_500;
const BUSY_MS = 15_000;
const EVERY_MS = 60_000;
/** A stream that ends is opened anew at once: only one that stays away is worth a word. */
const LOST_MS = 4_000;
const LOOK_MS = 10_000;
/** Two renewals that did not come: what is shown may be old. */
const OLD_MS = 2 * EVERY_MS + LOOK_MS;
const ANSWER_MS = 20_000;

let touchedAt = -Infinity;
let timer: ReturnType<typeof setTimeout> | undefined;
let lost: ReturnType<typeof setTimeout> | undefined;
/** By the clock on the wall: the other one stands still while a laptop sleeps. */
let confirmedAt = Date.now();
let isAsking = false;

/** How long the list has to keep still yet. An open menu, or a field one writes in, is work for longer. */
function restMs(list: HTMLElement): number {
  const isBusy = list.querySelector("details[open], input:focus, textarea:focus, select:focus");
  return (isBusy ? BUSY_MS : TOUCHED_MS) - (performance.now() - touchedAt);
}

async function renew(list: HTMLElement): Promise<void> {
  const rest = restMs(list);
  if (rest > 0) {
    later(list, rest);
    return;
  }
  if (isAsking) {
    later(list, TOGETHER_MS);
    return;
  }
  isAsking = true;
  const path = list.dataset["live"] || location.pathname + location.search;
  const isTrue = await ask(path, `#${list.id}`);
  isAsking = false;
  if (isTrue) {
    confirmedAt = Date.now();
    sayLost(false);
  } else {
    sayLost(true);
  }
}

/** Ask for a page, and put this part of it in the place of ours. False: the server did not answer. */
export async function ask(path: string, part: string): Promise<boolean> {
  let text: string;
  try {
    const asked = new URL(path, location.href);
    const response = await fetch(asked, {
      headers: { accept: "text/html" },
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (new URL(response.url).pathname !== asked.pathname || isOver(response.status)) {
      return anew({ isOver: true });
    }
    if (!response.ok) return false;
    used();
    text = await response.text();
  } catch {
    return false;
  }
  if (text.includes("</head>") && !isOurRelease(text)) return anew({ isOver: false });
  const ours = document.querySelector(part);
  if (!ours || !text.includes(`id="${part.slice(1)}"`)) return false;
  const title = document.title;
  // Other parts with news of their own; what lies between them, and may be written in, stays as it is.
  const beside = ours.getAttribute("data-live-beside")?.split(" ") ?? [];
  for (const each of [part, ...beside]) await put(each, text);
  // A page that has only a part of ours is called by another name.
  if (new URL(path, location.href).pathname !== location.pathname) document.title = title;
  return true;
}

/** Load the page anew, unless that would cost what was typed. */
function anew({ isOver }: { isOver: boolean }): false {
  const form = written();
  if (!form) location.reload();
  else if (isOver) leaveOnly(form);
  return false;
}

async function put(part: string, text: string): Promise<void> {
  const ours = document.querySelector(part);
  if (!ours || !text.includes(`id="${part.slice(1)}"`)) return;
  const held = document.activeElement;
  const row = held?.closest(".kid")?.id;
  await htmx.swap({ sourceElement: ours, target: part, select: part, swap: "outerMorph", text });
  // What had the focus is gone, such as the button that another adult was quicker at: one stays in the same row.
  const isLost = held !== null && !held.isConnected && document.activeElement === document.body;
  if (row && isLost) document.getElementById(row)?.querySelector<HTMLElement>(".name a")?.focus();
}

/** Whether the session, or the right to this page, has ended. */
function isOver(status: number): boolean {
  return status === 401 || status === 403 || status === 404;
}

/** Whether a page comes with the scripts and styles that this one was loaded with. */
function isOurRelease(text: string): boolean {
  const files = document.head.querySelectorAll("script[src], link[rel='stylesheet']");
  return [...files].every((file) => text.includes(`"${file.getAttribute("src") ?? file.getAttribute("href")}"`));
}

/** What is asked for meanwhile is in the answer too; a steady stream of news puts nothing off. */
export function later(list: HTMLElement, ms: number): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    const there = document.getElementById(list.id);
    if (there) void renew(there);
  }, ms);
}

function sayLost(isLost: boolean, afterMs = LOST_MS): void {
  if (isLost) {
    if (afterMs === 0) show(true);
    else lost ??= setTimeout(() => show(true), afterMs);
    return;
  }
  clearTimeout(lost);
  lost = undefined;
  show(false);
}

function show(isLost: boolean): void {
  const news = document.getElementById("news");
  if (news) news.hidden = !isLost;
}

/** A person looks again, or time has jumped: an old page says so at once, and is asked for anew. */
function look(list: HTMLElement): void {
  const age = Math.abs(Date.now() - confirmedAt);
  if (age > OLD_MS) sayLost(true, 0);
  if (age > EVERY_MS) later(list, 0);
}

export function begin(): void {
  const list = document.querySelector<HTMLElement>("[data-live][id]");
  if (!list) return;
  for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) {
    const touched = (event: Event) => {
      if (event.target instanceof Element && event.target.closest("[data-live]")) {
        touchedAt = performance.now();
      }
    };
    document.addEventListener(name, touched, { passive: true });
  }
  document.addEventListener("htmx:sse:after:message", () => later(list, TOGETHER_MS));
  // What changed while the stream was away was heard by nobody: the word goes once we have asked.
  document.addEventListener("htmx:sse:after:connection", () => lost && later(list, 0));
  for (const name of ["htmx:sse:error", "htmx:sse:close"]) {
    document.addEventListener(name, () => sayLost(true));
  }
  const seen = () => document.visibilityState === "visible" && look(list);
  for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, seen);
  for (const name of ["pageshow", "focus"]) window.addEventListener(name, seen);
  window.addEventListener("online", () => later(list, 0));
  window.addEventListener("offline", () => sayLost(true, 0));
  setInterval(seen, LOOK_MS);
}

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
 */
import htmx from "htmx.org/dist/htmx.esm.js";

const TOGETHER_MS = 250;
const TOUCHED_MS = 2_500;
const BUSY_MS = 15_000;
const EVERY_MS = 60_000;
/** A stream that ends is opened anew at once: only one that stays away is worth a word. */
const LOST_MS = 4_000;

let touchedAt = -Infinity;
let timer: ReturnType<typeof setTimeout> | undefined;
let lost: ReturnType<typeof setTimeout> | undefined;

/** How long the list has to keep still yet. An open menu, or a field one writes in, is work for longer. */
function restMs(list: HTMLElement): number {
  const isBusy = list.querySelector("details[open], input:focus, textarea:focus, select:focus");
  return (isBusy ? BUSY_MS : TOUCHED_MS) - (performance.now() - touchedAt);
}

function renew(list: HTMLElement): void {
  const rest = restMs(list);
  if (rest > 0) {
    later(list, rest);
    return;
  }
  const here = `#${list.id}`;
  void htmx.ajax("GET", list.dataset["live"] || location.pathname + location.search, {
    source: list,
    target: here,
    select: here,
    swap: "outerMorph",
  });
}

/** What is asked for meanwhile is in the answer too; a steady stream of news puts nothing off. */
function later(list: HTMLElement, ms: number): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    const there = document.getElementById(list.id);
    if (there) renew(there);
  }, ms);
}

function sayLost(isLost: boolean): void {
  const news = document.getElementById("news");
  if (!news) return;
  if (isLost) {
    lost ??= setTimeout(() => (news.hidden = false), LOST_MS);
    return;
  }
  clearTimeout(lost);
  lost = undefined;
  news.hidden = true;
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
  document.addEventListener("htmx:sse:after:connection", () => sayLost(false));
  for (const name of ["htmx:sse:error", "htmx:sse:close", "htmx:error"]) {
    document.addEventListener(name, () => sayLost(true));
  }
  document.addEventListener("htmx:after:request", () => sayLost(false));
  setInterval(() => document.visibilityState === "visible" && later(list, 0), EVERY_MS);
}

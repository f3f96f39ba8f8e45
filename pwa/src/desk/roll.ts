/**
 * The roll call of a home, `form[data-roll-call]`: a second tap on "Not here" takes it back, the button says how
 * many are here, and an answer that is sent late says when it was given. Without this script the form is the same,
 * and its button says less.
 */
import { begin as beginLater, hasKept, keep, wait } from "./later";

const AWAY = "not_here";
// The words of a row, in the order of the button's sum, by the names that `data-` attributes have here.
const WORDS = { here: "here", not_here: "notHere", excused: "excused", unknown: "unknown" } as const;
type Word = keyof typeof WORDS;

function radios(part: ParentNode): HTMLInputElement[] {
  return [...part.querySelectorAll<HTMLInputElement>('input[name^="word-"]')];
}

/** What is so of this child once the form is sent. */
function stands(row: HTMLElement): Word {
  const word = radios(row).find(({ checked }) => checked)?.value ?? row.dataset["stands"] ?? "";
  return word in WORDS ? (word as Word) : "excused";
}

function count(form: HTMLFormElement): void {
  const sum: Record<Word, number> = { here: 0, not_here: 0, excused: 0, unknown: 0 };
  for (const row of form.querySelectorAll<HTMLElement>("[data-stands]")) sum[stands(row)] += 1;
  const words = form.querySelector<HTMLElement>("[data-sum]");
  if (!words) return;
  const shown = (Object.keys(WORDS) as Word[]).filter((word) => sum[word] || word === "here");
  const parts = shown.map((word) => (words.dataset[WORDS[word]] ?? "").replace("{n}", String(sum[word])));
  words.textContent = (words.dataset["sum"] ?? "").replace("{sums}", parts.join(words.dataset["join"]));
}

function prepare(form: HTMLFormElement): void {
  const openedAt = Date.now();
  const after = form.elements.namedItem("after") as HTMLInputElement;
  const chosen = new Map(radios(form).map(({ name, value, checked }) => [`${name} ${value}`, checked]));
  const note = () => {
    for (const { name, value, checked } of radios(form)) chosen.set(`${name} ${value}`, checked);
  };
  form.addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.type !== "radio") return;
    if (target.value === AWAY) {
      if (chosen.get(`${target.name} ${AWAY}`)) target.checked = false;
      const details = target.closest(".roll")?.querySelector("details");
      if (details && target.checked) details.open = true;
    }
    note();
    count(form);
    // A second thought is an answer of its own, given now.
    after.value = "";
  });
  form.addEventListener("change", () => {
    after.value = "";
  });
  let tapped: HTMLElement | null = null;
  form.addEventListener("submit", ({ submitter }) => {
    // Which button it was, where each is an answer: it is sent again with the same.
    tapped = submitter ?? tapped;
    after.value ||= String(Math.max(0, Math.floor((Date.now() - openedAt) / 1_000)));
  });
  addEventListener("online", () => {
    if (form.querySelector('[data-unsent="away"]:not([hidden])')) form.requestSubmit(tapped);
  });
  keep(form);
  count(form);
}

/**
 * A front desk, `[data-locks]` with seconds: the names go when they are over, also without a connection, and are not
 * shown again from the memory of the browser.
 */
function forget(mark: HTMLElement): void {
  const span = Number(mark.dataset["locks"]) * 1_000;
  const end = Date.now() + span;
  // The page is cleared below: its words are taken before.
  const words = document.querySelector<HTMLTemplateElement>("template[data-waits]")?.content;
  let isLocked = false;
  const lock = (): void => {
    if (isLocked) return;
    isLocked = true;
    const main = document.querySelector("main");
    if (main && words && hasKept()) wait(main, words);
    else {
      main?.replaceChildren();
      location.replace(mark.dataset["to"] ?? "/front");
    }
  };
  setTimeout(lock, span);
  // A timer stands still while a tablet sleeps: what was on the screen must not be there when it wakes.
  const look = (): void => {
    if (Date.now() >= end) lock();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
    else look();
  });
}

export function begin(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  const mark = document.querySelector<HTMLElement>("[data-locks]");
  if (mark) forget(mark);
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-roll-call]")) prepare(form);
  beginLater();
}

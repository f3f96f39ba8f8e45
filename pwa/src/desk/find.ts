/**
 * Finding a child: Ctrl+K goes to the field, and on the page of the search the results follow what is typed. A key
 * without Ctrl would be pressed by who speaks to their computer (WCAG 2.1.4).
 * Without this script the form works as it is.
 */
import htmx from "htmx.org/dist/htmx.esm.js";

const PAUSE_MS = 250;
const LEAST = 3;

let timer: ReturnType<typeof setTimeout> | undefined;
let asked = "";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** The field in sight: the page's own, else the one in the head, which a narrow screen hides. */
function field(): HTMLInputElement | undefined {
  const fields = [...document.querySelectorAll<HTMLInputElement>("main [data-find-key], [data-find-key]")];
  return fields.find((each) => each.offsetParent !== null);
}

function onKey(event: KeyboardEvent): void {
  // By its place on the keyboard too: an Arabic one has another letter there.
  const isK = event.key.toLowerCase() === "k" || event.code === "KeyK";
  if (!isK || event.ctrlKey === event.metaKey || event.altKey || event.shiftKey || isTyping(event.target)) return;
  const there = field();
  if (there === undefined) return;
  event.preventDefault();
  there.focus();
  there.select();
}

function look(form: HTMLFormElement, input: HTMLInputElement): void {
  const words = input.value.trim();
  if (words === asked || (words !== "" && words.length < LEAST)) return;
  asked = words;
  // In the body: a name belongs in no address. The answer says the address at which it is sealed, for the way back.
  const how = { source: form, target: "#results", select: "#results", swap: "outerMorph", values: { q: words } };
  void htmx.ajax("POST", form.action, how).then(() => {
    const here = document.getElementById("results")?.dataset["here"];
    if (here) history.replaceState(null, "", here);
  });
}

export function begin(): void {
  document.addEventListener("keydown", onKey);
  const form = document.querySelector<HTMLFormElement>("form[data-find]");
  const input = form?.querySelector<HTMLInputElement>("[data-find-key]");
  if (!form || !input) return;
  asked = input.value.trim();
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(form, input), PAUSE_MS);
  });
}

/**
 * A form with `data-keeps` stays as it is while there is no connection, or nobody is signed in any more, and says
 * so: a page of the browser in its place would cost what was typed. Its id is in the form, so that what is sent
 * twice is one thing.
 */
type Why = "away" | "out";

/** What the servers before ours answer while it is restarted, and ours while its database is away. */
export const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

/** What becomes of such a form, for other scripts: it could not be sent, or the server leads on (to `detail`). */
export const UNSENT = "unsent";
export const TAKEN = "taken";

function say(form: HTMLFormElement, why: Why | "") {
  if (why === "away") form.dispatchEvent(new Event(UNSENT));
  for (const words of form.querySelectorAll<HTMLElement>("[data-unsent]")) {
    words.hidden = words.dataset["unsent"] !== why;
    if (!words.hidden) words.scrollIntoView({ block: "nearest" });
  }
}

async function send(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  say(form, "");
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) body.append(name, String(value));
  form.setAttribute("aria-busy", "true");
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  form.removeAttribute("aria-busy");
  if (!answer || AWAY.has(answer.status)) return say(form, "away");
  if (answer.status === 401) {
    leaveOnly(form);
    return say(form, "out");
  }
  if (answer.redirected) {
    form.dispatchEvent(new CustomEvent(TAKEN, { detail: answer.url }));
    return location.assign(answer.url);
  }
  // Refused, or said in a page of its own: the browser shows it.
  delete form.dataset["keeps"];
  form.requestSubmit(submitter);
}

/** Where nothing is marked in the page, a list of one begins with the first that can be chosen. */
function isChosenAnew({ options, multiple }: HTMLSelectElement): boolean {
  const all = [...options];
  const marked = all.filter(({ defaultSelected }) => defaultSelected);
  const first = marked.at(-1) ?? all.find(({ disabled }) => !disabled);
  const begins = (option: HTMLOptionElement) => (multiple ? option.defaultSelected : option === first);
  return all.some((option) => option.selected !== begins(option));
}

function isChanged(field: Element): boolean {
  if (field instanceof HTMLSelectElement) return isChosenAnew(field);
  if (field instanceof HTMLInputElement) {
    if (field.type === "hidden") return false;
    return field.checked !== field.defaultChecked || field.value !== field.defaultValue;
  }
  return field instanceof HTMLTextAreaElement && field.value !== field.defaultValue;
}

/** A form of this page in which something was written or chosen that is not sent yet, or that came back refused. */
export function written(): HTMLFormElement | undefined {
  const forms = document.querySelectorAll<HTMLFormElement>("form[data-keeps]");
  return [...forms].find((form) => form.querySelector("[aria-invalid]") || [...form.elements].some(isChanged));
}

/**
 * What may no longer be seen goes from the page, also from its title; what was typed stays until it is sent, under a
 * heading that names no one.
 */
export function leaveOnly(form: HTMLFormElement): void {
  for (const part of document.querySelectorAll("main > *")) {
    if (!part.contains(form) && part.id !== "news") part.remove();
  }
  const main = document.querySelector("main");
  if (!main || document.querySelector("main h1")) return;
  const heading = document.createElement("h1");
  heading.textContent = document.title = main.dataset["left"] ?? "";
  main.prepend(heading);
}

export function begin(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("keeps" in form.dataset)) return;
    event.preventDefault();
    if (!form.hasAttribute("aria-busy")) void send(form, event.submitter);
  });
}

/**
 * What was tapped at a front desk while it was offline is kept there until our server has it, with the moment of
 * the tap and the page's ticket. There are ids in it and no names: the device stands where children pass.
 */
import { TAKEN, UNSENT } from "./keeping";

const KEPT_AS = "front-roll-call";
const PATH = "/front/roll-call";
const TRY_EVERY = 20_000;

function fieldsOf(form: HTMLFormElement): string {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) fields.append(name, String(value));
  return fields.toString();
}

/** What this browser would not store (it is full, or stores nothing): as long as this page is open. */
let inPage: string[] | undefined;

/** What waits, the earliest first: a second person may have done a roll call before the network is back. */
function read(): string[] {
  if (inPage) return inPage;
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT_AS) ?? "[]");
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}

function write(kept: string[]): void {
  try {
    if (kept.length) localStorage.setItem(KEPT_AS, JSON.stringify(kept));
    else localStorage.removeItem(KEPT_AS);
    inPage = undefined;
  } catch {
    inPage = kept;
  }
  sayWhere(document);
}

/** The words tell where the answers are: who reads that they are on the device may turn it off. */
function sayWhere(part: ParentNode): void {
  for (const words of part.querySelectorAll<HTMLElement>("[data-kept]")) {
    words.hidden = (words.dataset["kept"] === "page") !== Boolean(inPage?.length);
  }
}

/** Which of them it is: the ticket is another one in each page. */
const ticketOf = (fields: string) => new URLSearchParams(fields).get("ticket");

const without = (ticket: string | null) => read().filter((fields) => ticketOf(fields) !== ticket);

export const hasKept = () => read().length > 0;

/** The form of a front desk is kept once it could not be sent, as often as it is tapped: the last time counts. */
export function keep(form: HTMLFormElement): void {
  const ticket = (form.elements.namedItem("ticket") as HTMLInputElement | null)?.value;
  if (!ticket) return;
  form.addEventListener(UNSENT, () => write([...without(ticket), fieldsOf(form)]));
  form.addEventListener(TAKEN, (event) => {
    // After the five minutes the server leads on as well, and has taken nothing.
    const isLate = new URL((event as CustomEvent<string>).detail).searchParams.has("late");
    if (!isLate) write(without(ticket));
  });
}

/** Whether the same may be taken the next time: a fault of ours, too many at once, or another one at that moment. */
const isForLater = (status: number) => status >= 500 || status === 429 || status === 409;

/** Sends what waits; the address of the page that says what came of it, or nothing while there is no network. */
async function sendKept(): Promise<string | undefined> {
  let to: string | undefined;
  for (const fields of read()) {
    const body = new URLSearchParams(fields);
    const answer = await fetch(`${PATH}/late`, { method: "POST", body }).catch(() => null);
    if (!answer || isForLater(answer.status)) return to;
    write(without(ticketOf(fields)));
    to = answer.redirected ? answer.url : `${PATH}?lost=yes`;
  }
  return to;
}

/** Tries until all is sent. `then`: goes on from there, unless the page in between belongs to another person. */
function tryAgain(then: (to: string) => void): void {
  let isBusy = false;
  const once = async (): Promise<void> => {
    if (isBusy || !hasKept()) return;
    isBusy = true;
    const to = await sendKept();
    isBusy = false;
    if (to) then(to);
  };
  void once();
  addEventListener("online", () => void once());
  setInterval(() => void once(), TRY_EVERY);
}

/** The names are gone from the page; it waits for the network in their place. */
export function wait(main: HTMLElement, words: DocumentFragment): void {
  sayWhere(words);
  main.replaceChildren(words);
  tryAgain((to) => location.replace(to));
}

/** A device that was turned off while something waited: any page of it sends that. */
export function begin(): void {
  if (!location.pathname.startsWith("/front")) return;
  const isLocked = location.pathname === PATH && !document.querySelector("form[data-roll-call]");
  if (isLocked && sessionStorage.getItem(KEPT_AS)) {
    sessionStorage.removeItem(KEPT_AS);
    location.replace(`${PATH}?lost=yes`);
    return;
  }
  if (!hasKept()) return;
  // A child may be typing a PIN, or a colleague tapping: what comes of it is said on the page of the roll call.
  tryAgain((to) => {
    if (isLocked) location.replace(to);
    else if (to.includes("lost=")) sessionStorage.setItem(KEPT_AS, "lost");
  });
}

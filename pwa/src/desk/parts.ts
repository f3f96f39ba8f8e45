/**
 * Opens a part of a long page in place: a home's children, or the next rows of a group. What is open is in
 * the address, so that a refresh and the next renewal show the same.
 *
 *   <a href="/desk/?open=…" data-part="well" data-open="…">   <a href="…" data-part="late" data-more="late:100">
 *
 * The link leads to the same page without a script. Only the part is asked for: a slow phone is not to draw
 * two hundred rows for one tap.
 */
import { ask, later } from "./live";

/** The address with this home opened or folded, or with more rows of this group. */
function wanted(link: HTMLElement): URL {
  const url = new URL(location.href);
  const [name, value] = link.dataset["open"] ? ["open", link.dataset["open"]] : ["more", link.dataset["more"] ?? ""];
  const values = url.searchParams.getAll(name);
  const key = value.split(":")[0] ?? "";
  const others = values.filter((other) => other.split(":")[0] !== key);
  url.searchParams.delete(name);
  for (const other of others) url.searchParams.append(name, other);
  if (name === "more" || !values.includes(value)) url.searchParams.append(name, value);
  url.hash = "";
  return url;
}

/** The links of a group's rows, and of its homes. */
function rows(group = ""): HTMLAnchorElement[] {
  const section = document.getElementById(`g-${group}`);
  return [...(section?.querySelectorAll<HTMLAnchorElement>(".kid .name a, .opens a") ?? [])];
}

/** A home keeps its id, while its address says what else is open. */
const keyOf = (row: HTMLAnchorElement) => row.id || row.href;

async function open(link: HTMLAnchorElement): Promise<void> {
  const url = wanted(link);
  history.replaceState(history.state, "", url);
  link.setAttribute("aria-busy", "true");
  const part = new URL(url);
  part.searchParams.set("part", link.dataset["part"] ?? "");
  const before = rows(link.dataset["part"]).map(keyOf);
  const isThere = await ask(part.pathname + part.search, `#g-${link.dataset["part"]}`);
  link.removeAttribute("aria-busy");
  // After the last rows there is no such link any more: the focus goes on with the first that came.
  const first = rows(link.dataset["part"]).find((row) => !before.includes(keyOf(row)));
  if (isThere && document.activeElement === document.body) first?.focus();
  const list = link.closest<HTMLElement>("[data-live][id]");
  // The group may be gone, or the network: the next renewal shows what is asked for.
  if (!isThere && list) later(list, 0);
}

export function begin(): void {
  document.addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    const link = event.target instanceof Element && event.target.closest("a[data-part]");
    if (!isPlain || !(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    void open(link);
  });
}

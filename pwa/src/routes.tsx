/**
 * Where one is in the app. The app's address never changes: neither the browser's history nor the address bar
 * tells anyone which screens were looked at. "Back" works all the same. Inside a page of the desk, each place has
 * an address of its own, so that a task can lead there.
 */
import { batch, signal } from "@preact/signals";

export type Place =
  | "today"
  | "days"
  | "more"
  | "help"
  | "looks"
  | "language"
  | "reminders"
  | "phones"
  | "cover"
  | "unsent"
  | "sharing"
  | "pair"
  | "leave"
  | "hands"
  | ProjectPlace;

/** Screens of the project: they come in two files of their own. */
export type ProjectPlace = FirstPlace | SeldomPlace;

/** Those that the path leads through. */
export type FirstPlace =
  | "children"
  | "project"
  | "goal"
  | "step"
  | "edit"
  | "new-goal"
  | "new-step"
  | "difference"
  | "agree"
  | "talk"
  | "plan"
  | "review"
  | "outcome"
  | "new-review";

/** Those that one opens now and then. */
export type SeldomPlace =
  | "houses"
  | "house"
  | "story"
  | "complaint"
  | "moments"
  | "then"
  | "compare"
  | "came-of"
  | "take"
  | "wall"
  | "rhythm"
  | "school"
  | "lock-text"
  | "away"
  | "happened"
  | "asked"
  | "ask"
  | "around"
  | "trusted"
  | "advocate"
  | "packs"
  | "if-missing";

/** What a screen is about: ids and names of fields, never anybody's words. */
export type About = Readonly<Record<string, string>>;

export const place = signal<Place>("today");

/** Where one is when one is nowhere else. */
export const home = signal<Place>("today");
export const about = signal<About>({});

/** How a place is written into the address. */
export interface Addresses {
  of(to: Place, about: About): string;
  read(): { place: Place; about: About } | null;
}

let addresses: Addresses = { of: () => "/app/", read: () => null };

/** True inside a page of the desk, which brings its own heading and its own bars. */
export let isInDesk = false;

/** How many of our own steps the browser can go back. */
let depth = 0;

const isSame = (a: About, b: About) => JSON.stringify(a) === JSON.stringify(b);

/** Marks what leads to the place that is open, where the two are in sight together. */
export const isHere = (to: Place, what: About = {}): "true" | undefined =>
  isInDesk && to === place.value && isSame(what, about.value) ? "true" : undefined;

interface Way {
  instead?: boolean;
  about?: About;
}

export function go(to: Place, { instead = false, about: what = {} }: Way = {}): void {
  if (to === place.value && isSame(what, about.value)) return;
  const address = addresses.of(to, what);
  if (instead) history.replaceState({ place: to, about: what, depth }, "", address);
  else history.pushState({ place: to, about: what, depth: ++depth }, "", address);
  batch(() => {
    place.value = to;
    about.value = what;
  });
}

export function back(): void {
  if (depth > 0) history.back();
  else go(home.value, { instead: true });
}

/** Several of our own steps back at once: from the last question to where they were begun. */
export function backBy(steps: number): void {
  if (depth >= steps) history.go(-steps);
  else go("project", { instead: true });
}

/** Takes whatever stands behind the app's address out of it. */
export function clean(): void {
  history.replaceState({ place: place.value, about: about.value, depth }, "", addresses.of(place.value, about.value));
}

function show(state: { place?: Place; about?: About; depth?: number } | null): void {
  depth = state?.depth ?? 0;
  batch(() => {
    place.value = state?.place ?? home.value;
    about.value = state?.about ?? {};
  });
}

export function begin(): void {
  // A link to another place of the same page comes without a state.
  addEventListener("popstate", (event) => show(event.state ?? addresses.read()));
}

/** The screens are inside a page of the desk, and begin where its address says. */
export function beginInDesk(own: Addresses): void {
  isInDesk = true;
  addresses = own;
  home.value = "project";
  const kept = history.state as { depth?: number } | null;
  show({ ...own.read(), depth: kept?.depth ?? 0 });
  clean();
  begin();
}

/**
 * Where one is in the app. The address never changes: neither the browser's history nor the address bar
 * tells anyone which screens were looked at. "Back" works all the same.
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

/** Screens of the project: they come in a file of their own. */
export type ProjectPlace =
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
  | "houses"
  | "house"
  | "story"
  | "plan"
  | "review"
  | "outcome"
  | "new-review"
  | "complaint"
  | "moments"
  | "then"
  | "compare"
  | "came-of"
  | "take"
  | "rhythm"
  | "trusted"
  | "packs"
  | "if-missing";

/** What a screen is about: ids and names of fields, never anybody's words. */
export type About = Readonly<Record<string, string>>;

export const place = signal<Place>("today");

/** Where one is when one is nowhere else. */
export const home = signal<Place>("today");
export const about = signal<About>({});

/** How many of our own steps the browser can go back. */
let depth = 0;

const isSame = (a: About, b: About) => JSON.stringify(a) === JSON.stringify(b);

interface Way {
  instead?: boolean;
  about?: About;
}

export function go(to: Place, { instead = false, about: what = {} }: Way = {}): void {
  if (to === place.value && isSame(what, about.value)) return;
  if (instead) history.replaceState({ place: to, about: what, depth }, "", "/app/");
  else history.pushState({ place: to, about: what, depth: ++depth }, "", "/app/");
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
  history.replaceState({ place: place.value, about: about.value, depth }, "", "/app/");
}

export function begin(): void {
  addEventListener("popstate", (event) => {
    const state = event.state as { place?: Place; about?: About; depth?: number } | null;
    depth = state?.depth ?? 0;
    batch(() => {
      place.value = state?.place ?? home.value;
      about.value = state?.about ?? {};
    });
  });
}

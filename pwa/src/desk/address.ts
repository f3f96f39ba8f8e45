/**
 * Places of the project in the address of the desk's page: `#goal=ID`, `#review`, `#talk`. Pure.
 *
 * Ids, names of fields and dates alone: what an address holds stays in the history of a shared computer.
 */
import type { About, Place } from "../routes";

const PLACES: ReadonlySet<string> = new Set<Place>([
  "goal",
  "step",
  "edit",
  "new-goal",
  "new-step",
  "difference",
  "agree",
  "talk",
  "houses",
  "house",
  "story",
  "plan",
  "review",
  "outcome",
  "new-review",
  "complaint",
  "moments",
  "then",
  "compare",
  "came-of",
  "take",
  "wall",
  "unsent",
]);

const LONGEST = 200;
const PLAIN = /^[\w:.+ -]{0,80}$/;

/** What stands behind the page's own address; empty for the project itself. */
export function fragmentOf(to: Place, { id = "", ...rest }: About): string {
  if (!PLACES.has(to)) return "";
  return `#${new URLSearchParams([[to, id], ...Object.entries(rest)])}`.replace(/=(?=&|$)/g, "");
}

/** The place that a fragment means; null where it means none, or holds what no address of ours does. */
export function placeIn(fragment: string): { place: Place; about: About } | null {
  const [first, ...rest] = new URLSearchParams(fragment.slice(1, LONGEST));
  if (!first || !PLACES.has(first[0])) return null;
  const about = { ...(first[1] && { id: first[1] }), ...Object.fromEntries(rest) };
  return Object.values(about).every((value) => PLAIN.test(value)) ? { place: first[0] as Place, about } : null;
}

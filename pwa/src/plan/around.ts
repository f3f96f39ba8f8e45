/** Who is around the child, as this phone knows it: each with what they are told, and whether one can write to them. */
import type { Advocates } from "../store/advocates";
import type { Trusted } from "../store/trusted";
import type { Witness } from "../store/witnesses";
import type { Person } from "./state";

export type Kind = "caseworker" | "carer" | "advocate" | "trusted" | "supervisor" | "guardian" | "witness";

export interface Near {
  id: string;
  kind: Kind;
  name: string;
  /** Whether they hear of it when nobody hears from the child: told, or asked. */
  hears: boolean;
  /** Whether the child can write to them here. */
  reads: boolean;
  /** A trusted person who we do not ask yet. */
  isOpen: boolean;
  /** Of a school, a club or a mentor who says whether the child came. */
  witness?: Witness;
}

/** The inner ring, then the outer one, in the order in which they stand there. */
const INNER: Kind[] = ["caseworker", "carer", "advocate", "trusted"];
const OUTER: Kind[] = ["supervisor", "guardian", "witness"];
const HEARING: Kind[] = ["caseworker", "carer", "supervisor"];
const READING: Kind[] = ["caseworker", "supervisor", "advocate"];

const isKind = (role: string): role is Kind =>
  !["trusted", "witness"].includes(role) && [...INNER, ...OUTER].some((kind) => kind === role);

const person = (id: string, kind: Kind, name: string): Near => ({
  id,
  kind,
  name,
  hears: HEARING.includes(kind),
  reads: READING.includes(kind),
  isOpen: false,
});

function named({ id, name, state }: Trusted): Near {
  return { ...person(id, "trusted", name), hears: state === "yes", isOpen: state === "named" };
}

const asked = (witness: Witness): Near => ({ ...person(witness.id, "witness", witness.name), witness });

/** Both rings. A person of two lists stands once; the caseworker's no keeps a person out of both. */
export function rings(
  there: Person[],
  known: Advocates | null,
  trusted: Trusted[],
  witnesses: Witness[] = [],
): [Near[], Near[]] {
  const people = there.flatMap(({ id, role, name }) => (isKind(role) && name ? [person(id, role, name)] : []));
  const ids = new Set(people.map(({ id }) => id));
  const advocates = (known?.advocates ?? [])
    .filter(({ person_id }) => !ids.has(person_id))
    .map(({ person_id, name }) => person(person_id, "advocate", name));
  const others = [...trusted.filter(({ state }) => state !== "no").map(named), ...witnesses.map(asked)];
  const all = [...people, ...advocates, ...others];
  const of = (kinds: Kind[]) => kinds.flatMap((kind) => all.filter((each) => each.kind === kind));
  return [of(INNER), of(OUTER)];
}

/** Where the n-th of so many is on a ring of that size, from its middle: the first on top, then clockwise. */
export function seat(n: number, many: number): { across: number; down: number } {
  const turn = (2 * Math.PI * n) / many;
  return { across: Math.sin(turn), down: -Math.cos(turn) };
}

/** "TV" for Tom Verhoeven. Scripts that join their letters have one: two would join as well. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const ends = [...words.slice(0, 1), ...words.slice(1).slice(-1)];
  const letters = ends.map((word) => [...word][0]?.toLocaleUpperCase() ?? "");
  const isJoined = letters.some((letter) => /\p{Script=Arabic}/u.test(letter));
  return (isJoined ? letters.slice(0, 1) : letters).join("");
}

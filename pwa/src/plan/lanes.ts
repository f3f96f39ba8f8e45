/** Who a message is for: the thread of the child and the caseworker, one advocate alone, or all of them. */
import { isChild, myself, there } from "../store/project";
import type { Person, Plan, Thing } from "./state";

/** A choice in the composer: "" is the thread; else the advocate's id, and whether nobody else reads it. */
export interface Lane {
  advocate: string;
  isAlone: boolean;
}

export const THREAD: Lane = { advocate: "", isAlone: false };

/** As a draft keeps it. */
export const codeOf = ({ advocate, isAlone }: Lane) => (advocate ? `${isAlone ? "alone" : "all"} ${advocate}` : "");

export const advocatesThere = (): Person[] => there.value.filter(({ role }) => role === "advocate");

/** What one may choose: workers never write to an advocate alone, an advocate reads no other thread. */
export function lanes(): Lane[] {
  if (myself.value.role === "advocate") {
    return [true, false].map((isAlone) => ({ advocate: myself.value.id, isAlone }));
  }
  const all = advocatesThere().flatMap(({ id }) =>
    [true, false].filter((isAlone) => isChild.value || !isAlone).map((isAlone) => ({ advocate: id, isAlone })),
  );
  return [THREAD, ...all];
}

const field = (plan: Plan, message: Thing, name: string) => plan.get("message", message.id, name).stands?.value;

/** The one advocate that a message is for; "" for one that others read too. */
export function laneOf(plan: Plan, message: Thing): string {
  return field(plan, message, "is_private") === true ? advocateOf(plan, message) : "";
}

/** The advocate who reads a message; "" where none does. */
export function advocateOf(plan: Plan, message: Thing): string {
  const id = field(plan, message, "advocate_id");
  return typeof id === "string" ? id : "";
}

/** No lane: a person has to choose one before anything is sent. */
export const UNCHOSEN = "?";

const isSame = (a: Lane, b: Lane) => a.advocate === b.advocate && a.isAlone === b.isAlone;

/** The lane that a message went to. */
const wentTo = (plan: Plan, message: Thing): Lane => {
  const advocate = advocateOf(plan, message);
  return { advocate, isAlone: advocate !== "" && laneOf(plan, message) !== "" };
};

/** The last thing that this person wrote. */
export const lastOf = (plan: Plan, who: string): Thing | undefined =>
  plan
    .all("message")
    .filter(({ by }) => by.id === who)
    .at(-1);

/**
 * What is marked before a person has chosen: the first lane, if their last message went there too.
 * After a message for others nothing is: a person who goes on writing to one reader must not reach another unawares.
 */
export function usual(plan: Plan, all: Lane[], who: string): string {
  const first = all[0] ?? THREAD;
  const last = lastOf(plan, who);
  return !last || isSame(wentTo(plan, last), first) ? codeOf(first) : UNCHOSEN;
}

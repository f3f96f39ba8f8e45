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

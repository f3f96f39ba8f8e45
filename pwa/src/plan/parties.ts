/** Who has a part in the agreement, and what each said to the text that stands. */
import { called } from "./labels";
import { is, words, type Person, type Plan, type Thing } from "./state";

export type Decision = "agree" | "in_part" | "disagree";

export interface Party {
  id: string;
  role: string;
  name: string;
  /** The party's own word about this text. */
  own: Thing | null;
  /** What another person wrote down of what the party said aloud. */
  recorded: Thing | null;
  /** True where the party said something about an earlier text. */
  hasEarlier: boolean;
}

const SIGNING = ["child", "caseworker", "guardian", "agency"];

/** Whose an agreement is: the writer's, or that of the person they wrote it down for. */
export const signerOf = (plan: Plan, agreement: Thing) =>
  words(plan, "agreement", agreement.id, "of_id") || agreement.by.id;

export const decisionOf = (plan: Plan, agreement: Thing) =>
  words(plan, "agreement", agreement.id, "decision") as Decision;

/** The child first, then those who work with them; a person who has left only with what they said. */
export function parties(plan: Plan, revision: number, people: Person[]): Party[] {
  const agreements = plan.all("agreement");
  const child = people.find(({ id }) => id === plan.child) ?? { id: plan.child, role: "child", name: "" };
  const all = [child, ...people.filter(({ id }) => id !== plan.child)];
  all.sort((a, b) => SIGNING.indexOf(a.role) - SIGNING.indexOf(b.role));
  return all.flatMap((person) => {
    if (!SIGNING.includes(person.role)) return [];
    const ofThem = agreements.filter((agreement) => signerOf(plan, agreement) === person.id);
    const now = ofThem.filter((agreement) => is(agreement, plan, "revision", revision));
    if (person.is_here === false && now.length === 0) return [];
    const { id, role } = person;
    return {
      id,
      role,
      name: called(person),
      own: now.filter((agreement) => agreement.by.id === id).at(-1) ?? null,
      recorded: now.filter((agreement) => agreement.by.id !== id).at(-1) ?? null,
      hasEarlier: ofThem.length > now.length,
    };
  });
}

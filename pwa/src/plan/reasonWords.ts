/** The reasons of a child's going in words, and what came of them in the project. */
import { t } from "../i18n";
import { find, shared, type Reason, type Talk } from "../store/reasons";
import { entryOf } from "../table";
import { heldAt } from "./agenda";
import { is, isDropped, words, type Plan, type Thing } from "./state";

function pushes(): Record<string, string> {
  return {
    conflict: t("Trouble with someone at home"),
    afraid: t("Afraid of someone there"),
    bullied: t("Bullied or treated unfairly"),
    alone: t("Lonely or homesick"),
    bored: t("Nothing to do"),
    rules: t("The rules at home"),
    waiting: t("The long wait for a decision"),
    refusal: t("A refusal, or fear of one"),
    move: t("A move, or fear of one"),
    school: t("School or work"),
    health: t("Feeling unwell or very sad"),
    not_heard: t("Nobody listened"),
  };
}

function pulls(): Record<string, string> {
  return {
    family: t("Family somewhere else"),
    friends: t("Friends"),
    partner: t("A person the child loves"),
    onward: t("Another country"),
    money: t("Work or money"),
    debt: t("A debt"),
    promised: t("Someone promised them something"),
    forced: t("Someone told the child to come"),
    substances: t("Drugs or alcohol"),
    freedom: t("Being free for a while"),
  };
}

/** The reason as it was said. A server that knows more of them may be newer than this phone. */
export function reasonWords(reason: Reason, talk: Talk): string {
  if (reason.kind === "stop") return talk.stop;
  return entryOf(reason.kind === "push" ? pushes() : pulls(), reason.code) ?? t("Another reason");
}

/** The words to begin with, where a goal or step begins with a reason; "" where it is not known here. */
export function wordsToBeginWith(id: string | undefined): string {
  const origin = id ? find(id) : null;
  return origin ? reasonWords(origin.reason, origin.talk) : "";
}

/** Goals and steps that came of it. */
export function cameOf(plan: Plan, { id }: Reason): Thing[] {
  return [...plan.all("goal"), ...plan.all("step")].filter((thing) => is(thing, plan, "reason_id", id));
}

/** True while what came of it is still wanted. */
export const isTaken = (plan: Plan, came: Thing[]) => came.some((thing) => !isDropped(plan, goalOf(plan, thing)));

export const goalOf = (plan: Plan, { entity, id }: Thing) =>
  entity === "goal" ? id : words(plan, "step", id, "goal_id");

/** The talks that a review has before it: none of a return that came after it was held. */
export function talksFor(plan: Plan, review: Thing): Talk[] {
  const until = heldAt(plan, review);
  const talks = shared.value?.child === plan.child ? shared.value.talks : [];
  return talks.filter(({ found_at }) => !until || !found_at || found_at <= until);
}

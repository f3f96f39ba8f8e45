/** What stands on the path: steps and promises, agreements, meetings, the end; each with the card that shows it. */
import { listed, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { go, isHere } from "../routes";
import { now } from "../store/now";
import { frame, place, plan } from "../store/project";
import { Pictogram } from "./Pictogram";
import { called, dayWords, dueOn, isoDay, ofDay, reviewName, wasDueOn } from "./labels";
import { Mark, Waits } from "./parts";
import { is, wasGivenUp, words, type Thing } from "./state";
import { turnOf } from "./turns";

export type Side = "child" | "adult" | "both";

export interface Waymark {
  key: string;
  side: Side;
  /** By what it is put in order: a date. */
  at: string;
  icon: preact.ComponentChild;
  state: "done" | "missed" | "late" | "open";
  /** Drawn only where it is shown. */
  card: () => preact.ComponentChild;
}

const LAST_OF_ALL = "9999";

const ownerOf = (step: Thing) => plan.value.get("step", step.id, "owner_id").stands?.value as string | undefined;

function roleOf(owner: string | undefined): string {
  if (!owner) return "";
  if (owner === place.value?.child) return "child";
  return frame.value?.people.find((person) => person.id === owner)?.role ?? "";
}

/** Steps of a dropped goal are not on the path any more, unless they were done. */
function isOnPath(step: Thing): boolean {
  const goal = words(plan.value, "step", step.id, "goal_id");
  const there = plan.value.one("goal", goal);
  // A carer sees own promises without the goals that they are for.
  if (!there) return true;
  // What the child dropped asks nothing of them; what adults promised for it still counts.
  if (is(there, plan.value, "not_mine", true) && ownerOf(step) === place.value?.child) return false;
  return !wasGivenUp(plan.value, goal);
}

function Card({ about, name, isChilds, text, when, isLate, step }: CardProps) {
  const proposed = step && plan.value.proposed("step", step.id, "text");
  return (
    <button
      type="button"
      class={isChilds ? "stone of-child" : "stone"}
      aria-current={isHere("step", about)}
      onClick={() => go("step", { about })}
    >
      <span class="voice-name">
        <Mark isChild={isChilds} />
        <bdi>{name}</bdi>
      </span>
      <span class="stone-text" dir="auto">
        {text}
      </span>
      <span class={isLate ? "stone-when late" : "stone-when"}>
        {isLate && <Icon name="warn" />}
        {when}
      </span>
      {proposed && <span class="soft">{t("New, not agreed yet")}</span>}
      {step && <Waits thing={step} />}
    </button>
  );
}

interface CardProps {
  about: { id: string };
  name: string;
  isChilds: boolean;
  text: string;
  when: string;
  isLate?: boolean;
  step?: Thing;
}

function whenOf(status: string, due: string, at: string, reason: string): string {
  if (status === "done") return t("Done: {day}", { day: dayWords(at, now.value) });
  if (status === "not_done") return reason ? t("Not done: {why}", { why: reason }) : t("Not done");
  if (!due) return t("No date yet");
  return due < isoDay(now.value) ? wasDueOn(due, now.value) : dueOn(due, now.value);
}

function ofStep(step: Thing): Waymark {
  const owner = ownerOf(step);
  const role = roleOf(owner);
  const isChilds = role === "child";
  const { status, due } = turnOf(plan.value, step);
  const at = plan.value.get("step", step.id, "status").stands?.said_at ?? step.made_at;
  const isLate = status === "open" && due !== "" && due < isoDay(now.value);
  const state = status === "done" ? "done" : status === "not_done" ? "missed" : isLate ? "late" : "open";
  return {
    key: step.id,
    side: isChilds ? "child" : "adult",
    at: status === "open" ? due || LAST_OF_ALL : at,
    icon: state === "done" ? <Icon name="check" /> : <Mark isChild={isChilds} />,
    state,
    card: () => (
      <Card
        about={{ id: step.id }}
        name={owner ? called({ id: owner, role }) : t("No one is doing this yet")}
        isChilds={isChilds}
        text={words(plan.value, "step", step.id, "text")}
        when={whenOf(status, due, at, words(plan.value, "step", step.id, "reason"))}
        isLate={isLate}
        step={step}
      />
    ),
  };
}

function Together({ title, text, review }: { title: string; text: string; review?: string | undefined }) {
  const inside = (
    <>
      <span class="stone-text">{title}</span>
      <span class="stone-when">{text}</span>
    </>
  );
  if (!review) return <div class="stone together">{inside}</div>;
  return (
    <button
      type="button"
      class="stone together"
      aria-current={isHere("review", { id: review })}
      onClick={() => go("review", { about: { id: review } })}
    >
      {inside}
    </button>
  );
}

interface TogetherMark {
  key: string;
  at: string;
  icon: string;
  state: Waymark["state"];
  title: string;
  text: string;
  review?: string;
}

function together({ key, at, icon, state, title, text, review }: TogetherMark): Waymark {
  const card = () => <Together title={title} text={text} review={review} />;
  return { key, at, side: "both", icon: <Pictogram name={icon} />, state, card };
}

function agreed(): Waymark[] {
  const signed = frame.value?.signed_revision;
  if (signed === null || signed === undefined) return [];
  const those = plan.value
    .all("agreement")
    .filter(
      (agreement) => is(agreement, plan.value, "revision", signed) && is(agreement, plan.value, "decision", "agree"),
    );
  const last = those.at(-1);
  if (!last) return [];
  const names = listed([...new Set(those.map((agreement) => called(agreement.by)))]);
  const text = t("{day}: {names}", { day: dayWords(last.made_at, now.value), names });
  const title = t("We agreed on this path");
  return [together({ key: last.id, at: last.made_at, icon: "hands", state: "done", title, text })];
}

function reviews(isBehind: boolean): Waymark[] {
  return plan.value.all("review").flatMap((review) => {
    const held = words(plan.value, "review", review.id, "held_on");
    const due = words(plan.value, "review", review.id, "due_on");
    if (isBehind !== (held !== "") || (!held && !due)) return [];
    const kind = words(plan.value, "review", review.id, "kind");
    const title = isBehind ? t("We looked back together") : reviewName(kind);
    const at = held || due;
    const state = isBehind ? "done" : due < isoDay(now.value) ? "late" : "open";
    const text = dayWords(at, now.value);
    return [together({ key: review.id, at, icon: "two", state, title, text, review: review.id })];
  });
}

function end(): Waymark[] {
  const ends = words(plan.value, "life_project", plan.value.child, "ends_on");
  if (!ends) return [];
  const text = ofDay(
    ends,
    now.value,
    (day) => t("Ends {day}. Before then, you decide together what happens next.", { day }),
    (date) => t("Ends on {date}. Before then, you decide together what happens next.", { date }),
  );
  const title = t("The end of this path");
  return [together({ key: "end", at: ends, icon: "calendar", state: "open", title, text })];
}

const byTime = (a: Waymark, b: Waymark) => a.at.localeCompare(b.at) || a.key.localeCompare(b.key);

/** What is behind and what comes, each in the order of its days; the end of the path last of all. */
export function waymarks(): { behind: Waymark[]; ahead: Waymark[] } {
  const steps = plan.value.all("step").map((step) => ({ step, mark: ofStep(step) }));
  const isOver = ({ mark }: { mark: Waymark }) => mark.state === "done" || mark.state === "missed";
  const over = steps.filter(isOver).map(({ mark }) => mark);
  const coming = steps.filter((entry) => !isOver(entry) && isOnPath(entry.step)).map(({ mark }) => mark);
  return {
    behind: [...over, ...agreed(), ...reviews(true)].sort(byTime),
    ahead: [...coming, ...reviews(false)].sort(byTime).concat(end()),
  };
}

/** You said, and we did, or why not: each thing that the child said, and what adults did about it. */
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { areaName, called, dayWords, dueOn, isoDay, wasDueOn } from "../plan/labels";
import { byOrder, type Voice as Said } from "../plan/merge";
import { ago, Mark, mayChange, Voice, Words } from "../plan/parts";
import { isDropped, words, type Thing } from "../plan/state";
import { turnOf, type Turn } from "../plan/turns";
import { go } from "../routes";
import { now } from "../store/now";
import { frame, isChild, place, plan } from "../store/project";
import { entryOf } from "../table";
import { goesToOthers } from "./Complaint";

const roleOf = (owner: string) => frame.value?.people.find(({ id }) => id === owner)?.role ?? "";

interface Move {
  to: string;
  by: Said;
  why: string;
}

/** A reason belongs to another day where the same person gave it in the same breath. */
const BREATH_MS = 10 * 60_000;

/** The other days that were chosen for a promise, each with the reason that was given. */
function movesOf(step: string): Move[] {
  const days = plan.value.history("step", step, "due_on").slice().sort(byOrder);
  const reasons = plan.value.history("step", step, "moved_why");
  return days.slice(1).flatMap((by, n) => {
    if (typeof by.value !== "string" || by.value === days[n]!.value) return [];
    const near = reasons.find(
      (reason) =>
        reason.who.id === by.who.id && Math.abs(Date.parse(reason.said_at) - Date.parse(by.said_at)) < BREATH_MS,
    );
    return [{ to: by.value, by, why: typeof near?.value === "string" ? near.value : "" }];
  });
}

type Outcome = "kept" | "missed" | "late" | "open";

function outcomeOf({ status, due }: Turn): Outcome {
  if (status === "done") return "kept";
  if (status === "not_done") return "missed";
  return due && due < isoDay(now.value) ? "late" : "open";
}

function Deed({ step }: { step: Thing }) {
  const owner = words(plan.value, "step", step.id, "owner_id");
  const turn = turnOf(plan.value, step);
  const outcome = outcomeOf(turn);
  const { due } = turn;
  const at = turn.last?.said_at;
  const reason = words(plan.value, "step", step.id, "reason");
  const says: Record<Outcome, string> = {
    kept: t("Done: {day}", { day: at ? dayWords(at, now.value) : "" }),
    missed: t("Not done"),
    late: wasDueOn(due || isoDay(now.value), now.value),
    open: due ? dueOn(due, now.value) : t("No date yet"),
  };
  return (
    <li>
      <button type="button" class={`deed ${outcome}`} onClick={() => go("step", { about: { id: step.id } })}>
        <span class="deed-mark">
          {outcome === "kept" ? (
            <Icon name="check" />
          ) : outcome === "late" ? (
            <Icon name="warn" />
          ) : (
            <Mark isChild={false} />
          )}
        </span>
        <span class="row-text">
          <span class="soft">
            <bdi>{called({ id: owner, role: roleOf(owner) })}</bdi>
          </span>
          <span dir="auto">{words(plan.value, "step", step.id, "text")}</span>
          <span class={outcome === "late" ? "stone-when late" : "soft"}>{says[outcome]}</span>
          {outcome === "missed" && <span>{reason ? t("Why: {why}", { why: reason }) : t("No reason given yet.")}</span>}
          {movesOf(step.id).map((move) => (
            <span key={move.by.id} class="soft">
              {move.why
                ? t("New date, {day}: {why}", { day: dayWords(move.to, now.value), why: move.why })
                : t("New date: {day}", { day: dayWords(move.to, now.value) })}
            </span>
          ))}
        </span>
      </button>
    </li>
  );
}

function Entry({
  lead,
  title,
  children,
}: {
  lead: ComponentChildren;
  title?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="came-of">
      {title}
      {lead}
      {children}
    </section>
  );
}

function OfGoal({ goal, voice }: { goal: Thing; voice: Said }) {
  const kind = words(plan.value, "area", words(plan.value, "goal", goal.id, "area_id"), "kind");
  const deeds = plan.value.all("step").filter(({ id }) => {
    const owner = words(plan.value, "step", id, "owner_id");
    return words(plan.value, "step", id, "goal_id") === goal.id && owner !== "" && owner !== place.value?.child;
  });
  const title = (
    <h2 class="goal-area">
      <Pictogram name={kind} />
      {areaName(kind)}
    </h2>
  );
  return (
    <Entry title={title} lead={<YouSaid voice={voice} />}>
      {deeds.length > 0 ? (
        <ul class="deeds" aria-label={t("What adults did")}>
          {deeds.map((step) => (
            <Deed key={step.id} step={step} />
          ))}
        </ul>
      ) : (
        <>
          <p class="soft">{t("No adult has promised anything for this yet.")}</p>
          {mayChange() && (
            <button type="button" class="second" onClick={() => go("new-step", { about: { goal: goal.id } })}>
              {isChild.value ? t("Ask for a promise") : t("Make a promise")}
            </button>
          )}
        </>
      )}
    </Entry>
  );
}

function YouSaid({ voice }: { voice: Said }) {
  return (
    <Voice who={voice.who} when={ago(voice.said_at)}>
      <Words text={String(voice.value)} />
    </Voice>
  );
}

function OfComplaint({ complaint }: { complaint: Thing }) {
  const text = plan.value.get("complaint", complaint.id, "text").stands;
  const answer = plan.value.get("complaint", complaint.id, "answer").stands;
  if (!text) return null;
  return (
    <Entry title={<h2>{t("Something wasn't right")}</h2>} lead={<YouSaid voice={text} />}>
      {answer?.value ? (
        <Voice who={answer.who} when={ago(answer.said_at)}>
          <Words text={String(answer.value)} />
        </Voice>
      ) : (
        <p class="soft">{t("No answer yet.")}</p>
      )}
    </Entry>
  );
}

const houseName = (kind: string) =>
  entryOf({ good: t("Good things"), worry: t("Worries"), dream: t("Dreams") }, kind) ?? kind;

/** What was shown of the houses: it is heard, and can become something to work on. */
function Shown({ houses }: { houses: Thing[] }) {
  return (
    <section class="came-of">
      <h2>{t("From your three houses")}</h2>
      <ul class="thread">
        {houses.map(({ id, by, made_at }) => (
          <li key={id}>
            <Voice who={by} title={houseName(words(plan.value, "house", id, "kind"))} when={ago(made_at)}>
              <Words text={words(plan.value, "house", id, "text")} />
            </Voice>
          </li>
        ))}
      </ul>
      {isChild.value && (
        <button type="button" class="second" onClick={() => go("new-goal")}>
          <Icon name="plus" />
          {t("Make one of these a goal")}
        </button>
      )}
    </section>
  );
}

export function SaidAndDone() {
  const child = place.value?.child ?? "";
  const goals = plan.value.all("goal").flatMap((goal) => {
    const voice = plan.value.get("goal", goal.id, "child_words").stands;
    return voice?.value && !isDropped(plan.value, goal.id) ? [{ goal, voice }] : [];
  });
  const complaints = plan.value.all("complaint").filter((one) => one.by.id === child && !goesToOthers(one));
  const houses = plan.value
    .all("house")
    .filter(({ id, by }) => by.id === child && plan.value.get("house", id, "is_shown").stands?.value === true);
  return (
    <Page title={isChild.value ? t("You said, we did") : t("The child said, we did")}>
      <p class="lead">
        {isChild.value
          ? t("What you said, and what adults did about it. If they didn't do it, it says why.")
          : t("What the child said, and what adults did about it. If they didn't do it, it says why.")}
      </p>
      {goals.length + complaints.length + houses.length === 0 && <p>{t("Nothing here yet.")}</p>}
      {goals.map(({ goal, voice }) => (
        <OfGoal key={goal.id} goal={goal} voice={voice} />
      ))}
      {complaints.map((complaint) => (
        <OfComplaint key={complaint.id} complaint={complaint} />
      ))}
      {houses.length > 0 && <Shown houses={houses} />}
    </Page>
  );
}

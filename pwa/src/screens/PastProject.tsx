/** The project as it was: to be read and not to be changed, from what this phone has. */
import { t } from "../i18n";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { areaName, called, dayWords, dueOn, fieldName, valueName } from "../plan/labels";
import { Mark, Note, Voice, Words } from "../plan/parts";
import { isDropped, words, type Plan, type Thing } from "../plan/state";
import { planAt } from "../plan/past";
import { about, go } from "../routes";
import { now } from "../store/now";
import { frame, place, rows } from "../store/project";
import { Told } from "./Project";

export function planOf(revision: string): Plan {
  return planAt(place.value?.child ?? "", rows.value, Number(revision), frame.value?.people ?? []);
}

function PastStep({ past, step }: { past: Plan; step: Thing }) {
  const owner = words(past, "step", step.id, "owner_id");
  const role = frame.value?.people.find(({ id }) => id === owner)?.role ?? "";
  const status = words(past, "step", step.id, "status");
  const due = words(past, "step", step.id, "due_on");
  const day = due ? dueOn(due, now.value) : t("No date yet");
  return (
    <li class="row">
      <Mark isChild={role === "child"} />
      <span class="row-text">
        <span class="soft">{owner ? <bdi>{called({ id: owner, role })}</bdi> : t("No one is doing this yet")}</span>
        <span dir="auto">{words(past, "step", step.id, "text")}</span>
        <span class="soft">
          {status === "done" || status === "not_done" ? valueName("step", "status", status, now.value) : day}
        </span>
      </span>
    </li>
  );
}

function PastGoal({ past, goal }: { past: Plan; goal: Thing }) {
  const kind = words(past, "area", words(past, "goal", goal.id, "area_id"), "kind");
  const steps = past.all("step").filter(({ id }) => words(past, "step", id, "goal_id") === goal.id);
  const voices = ["child_words", "worker_words"].flatMap((field) => {
    const voice = past.get("goal", goal.id, field).stands;
    return voice?.value ? [{ field, who: voice.who, text: String(voice.value) }] : [];
  });
  return (
    <section class="goal-then">
      <h2 class="goal-area">
        <Pictogram name={kind} />
        {areaName(kind)}
      </h2>
      <div class="voices">
        {voices.map(({ field, who, text }) => (
          <Voice key={field} who={who}>
            <Words text={text} />
          </Voice>
        ))}
      </div>
      <ul class="rows">
        {steps.map((step) => (
          <PastStep key={step.id} past={past} step={step} />
        ))}
      </ul>
    </section>
  );
}

const FRAME = ["situation", "option", "countries", "plan_b", "ends_on"];

function Framed({ past }: { past: Plan }) {
  const list = FRAME.flatMap((field) => {
    const value = past.get("life_project", past.child, field).stands?.value;
    return value ? [{ field, value }] : [];
  });
  if (list.length === 0) return null;
  return (
    <section>
      <h2>{t("About this path")}</h2>
      <ul class="rows">
        {list.map(({ field, value }) => (
          <li key={field} class="row">
            <span class="row-text">
              <span class="soft">{fieldName("life_project", field)}</span>
              <span dir="auto" class="row-words">
                {valueName("life_project", field, value, now.value)}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function PastProject() {
  const { revision = "0", at = "" } = about.value;
  const past = planOf(revision);
  const summary = words(past, "life_project", past.child, "summary");
  const goals = past.all("goal").filter(({ id }) => !isDropped(past, id));
  return (
    <Page title={t("As it was: {day}", { day: dayWords(at, now.value) })}>
      <Note icon="days">{t("This is how it was written then. Later changes don't change it here.")}</Note>
      {summary && (
        <div class="summary">
          <Told at={past} />
        </div>
      )}
      {goals.map((goal) => (
        <PastGoal key={goal.id} past={past} goal={goal} />
      ))}
      {goals.length === 0 && <p>{t("There were no goals yet.")}</p>}
      <Framed past={past} />
      <button type="button" class="second" onClick={() => go("compare", { about: { from: revision, at } })}>
        {t("What's different now")}
      </button>
    </Page>
  );
}

/** A goal: both voices side by side, its steps, and each thing about it on a screen of its own. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { areaName, called, dueOn, fieldName, isoDay } from "../plan/labels";
import { ago, FieldRow, Lead, Mark, mayChange, NotFound, voiceIn, Voice, Waits, Words } from "../plan/parts";
import { History } from "../plan/History";
import { is, words, type Thing } from "../plan/state";
import { GOAL_FIELDS, STEP_FIELDS, turnOf } from "../plan/turns";
import { about, go } from "../routes";
import { now } from "../store/now";
import { frame, isChild, place, plan, say } from "../store/project";
import { entryOf } from "../table";

const edit = (entity: string, id: string, field: string) => go("edit", { about: { entity, id, field } });

/** A small way to change what stands above it. */
function Change({ entity, id, field, word }: { entity: string; id: string; field: string; word: string }) {
  if (!mayChange()) return null;
  return (
    <button type="button" class="quiet words" onClick={() => edit(entity, id, field)}>
      <Icon name="words" />
      {word}
    </button>
  );
}

function OwnWords({ goal }: { goal: Thing }) {
  const childs = voiceIn("goal", goal.id, "child_words");
  const workers = voiceIn("goal", goal.id, "worker_words");
  return (
    <div class="voices beside">
      {childs?.value ? (
        <Voice who={childs.who} when={ago(childs.said_at)}>
          <Words text={String(childs.value)} />
          {isChild.value && <Change entity="goal" id={goal.id} field="child_words" word={t("Change")} />}
        </Voice>
      ) : (
        isChild.value && <Change entity="goal" id={goal.id} field="child_words" word={t("Say it in your own words")} />
      )}
      {workers?.value ? (
        <Voice who={workers.who} when={ago(workers.said_at)}>
          <Words text={String(workers.value)} />
          {!isChild.value && <Change entity="goal" id={goal.id} field="worker_words" word={t("Change")} />}
        </Voice>
      ) : (
        !isChild.value && <Change entity="goal" id={goal.id} field="worker_words" word={t("Add your own words")} />
      )}
    </div>
  );
}

const FIELDS = ["why", "success_sign", "target_on", "barriers", "achievement", "lifecycle"];

function StepRow({ step }: { step: Thing }) {
  const owner = words(plan.value, "step", step.id, "owner_id");
  const { status, due } = turnOf(plan.value, step);
  const isLate = status === "open" && due !== "" && due < isoDay(now.value);
  const role =
    owner === place.value?.child ? "child" : (frame.value?.people.find(({ id }) => id === owner)?.role ?? "");
  const name = owner ? called({ id: owner, role }) : t("No one is doing this yet");
  const done = entryOf({ done: t("Done"), not_done: t("Not done"), open: "" }, status) ?? "";
  const when = due ? dueOn(due, now.value) : t("No date yet");
  return (
    <li>
      <button type="button" class="row" onClick={() => go("step", { about: { id: step.id } })}>
        <Mark isChild={role === "child"} />
        <span class="row-text">
          <span class="soft">
            <bdi>{name}</bdi>
          </span>
          <span dir="auto">{words(plan.value, "step", step.id, "text")}</span>
          <span class={isLate ? "stone-when late" : "soft"}>
            {isLate && <Icon name="warn" />}
            {done || when}
          </span>
          <Waits thing={step} />
        </span>
        <Icon name="next" />
      </button>
    </li>
  );
}

/** The child's steps rest once the goal is dropped; before that they are asked whether to drop it. */
function restingOf(isAsked?: boolean): string {
  if (isAsked) return t("Your steps will be on hold:");
  return isChild.value ? t("Your steps are on hold:") : t("The child's own steps are on hold:");
}

/** What becomes of the steps of a goal that is no longer the child's. */
function StepsThen({ goal, isAsked }: { goal: Thing; isAsked?: boolean }) {
  const steps = plan.value.all("step").filter((step) => is(step, plan.value, "goal_id", goal.id));
  const open = steps.filter((step) => turnOf(plan.value, step).status === "open");
  const isChilds = (step: Thing) => is(step, plan.value, "owner_id", place.value?.child);
  const own = open.filter(isChilds);
  const others = open.filter((step) => !isChilds(step) && words(plan.value, "step", step.id, "owner_id"));
  const list = (some: Thing[]) => (
    <ul class="guide">
      {some.map((step) => (
        <li key={step.id}>
          <bdi>{words(plan.value, "step", step.id, "text")}</bdi>
        </li>
      ))}
    </ul>
  );
  return (
    <>
      {own.length > 0 && <p>{restingOf(isAsked)}</p>}
      {own.length > 0 && list(own)}
      {others.length > 0 && <p>{t("Adults' promises still count, until you drop them together:")}</p>}
      {others.length > 0 && list(others)}
    </>
  );
}

const asksNotMine = signal("");

function NotMine({ goal }: { goal: Thing }) {
  const gone = is(goal, plan.value, "not_mine", true);
  useEffect(() => () => void (asksNotMine.value = ""), []);
  if (gone) {
    return (
      <section class="field">
        <h2>{isChild.value ? t("You dropped this goal") : t("The child dropped this goal")}</h2>
        <StepsThen goal={goal} />
        {isChild.value && (
          <button type="button" class="second" onClick={() => void say("goal", goal.id, "not_mine", false)}>
            {t("I want this goal again")}
          </button>
        )}
      </section>
    );
  }
  if (!isChild.value) return null;
  if (asksNotMine.value !== goal.id) {
    return (
      <button type="button" class="second" onClick={() => (asksNotMine.value = goal.id)}>
        {t("I don't want this goal now")}
      </button>
    );
  }
  return (
    <section class="field">
      <h2>{t("Do you want to drop this goal?")}</h2>
      <p>{t("You can change your mind. You don't have to say why, and you can come back to this goal.")}</p>
      <StepsThen goal={goal} isAsked />
      <div class="pair-of">
        <button type="button" class="second" onClick={() => void say("goal", goal.id, "not_mine", true)}>
          {t("Yes, drop it")}
        </button>
        <button type="button" class="second" onClick={() => (asksNotMine.value = "")}>
          {t("No, keep it")}
        </button>
      </div>
    </section>
  );
}

export function Goal() {
  const goal = plan.value.one("goal", about.value["id"] ?? "");
  if (!goal) return <NotFound />;
  const area = words(plan.value, "goal", goal.id, "area_id");
  const kind = words(plan.value, "area", area, "kind");
  const steps = plan.value.all("step").filter((step) => is(step, plan.value, "goal_id", goal.id));
  const open = ["child_words", "worker_words"].filter(
    (field) => plan.value.get("goal", goal.id, field).sides.length > 1,
  );
  return (
    <Page title={words(plan.value, "area", area, "name") || areaName(kind)}>
      <OwnWords goal={goal} />
      {open.map((field) => (
        <button
          key={field}
          type="button"
          class="second"
          onClick={() => go("difference", { about: { entity: "goal", id: goal.id, field } })}
        >
          <Icon name="talk" />
          {t("See both versions")}
        </button>
      ))}
      <Waits thing={goal} />
      <section>
        <h2>{t("Steps and promises")}</h2>
        <ul class="rows">
          {steps.map((step) => (
            <StepRow key={step.id} step={step} />
          ))}
        </ul>
        {steps.length === 0 && <p>{t("No steps yet")}</p>}
      </section>
      {mayChange() && (
        <button type="button" class="second" onClick={() => go("new-step", { about: { goal: goal.id } })}>
          <Icon name="plus" />
          {t("Add a step or a promise")}
        </button>
      )}
      <section>
        <h2>{t("About this")}</h2>
        <ul class="rows">
          {FIELDS.map((field) => (
            <FieldRow key={field} entity="goal" id={goal.id} field={field} />
          ))}
          {area && mayChange() && (
            <Lead
              to="edit"
              about={{ entity: "area", id: area, field: "importance" }}
              icon={<Pictogram name={kind} />}
              word={fieldName("area", "importance")}
              state={importance(area)}
            />
          )}
        </ul>
      </section>
      <NotMine goal={goal} />
      <History
        things={[
          { entity: "goal", id: goal.id, fields: GOAL_FIELDS },
          ...steps.map(({ id }) => ({ entity: "step", id, fields: STEP_FIELDS })),
        ]}
      />
    </Page>
  );
}

function importance(area: string): string | undefined {
  const value = plan.value.get("area", area, "importance").stands?.value;
  return typeof value === "number" ? t("{n} of 5", { n: value }) : undefined;
}

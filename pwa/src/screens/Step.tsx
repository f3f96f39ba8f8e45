/** A step, or a promise: who, what, by when; done, or not done and why. Both answers are equally large. */
import type { ComponentChild } from "preact";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { called, dayWords, dueOn, isDate, isoDay, wasDueOn } from "../plan/labels";
import { byOrder } from "../plan/merge";
import { Pictogram } from "../plan/Pictogram";
import { ago, mayChange, mayTick, NotFound, voiceIn, Voice, Waits, Words } from "../plan/parts";
import { History } from "../plan/History";
import { words, type Thing } from "../plan/state";
import { STEP_FIELDS, turnOf } from "../plan/turns";
import { about, go } from "../routes";
import { now } from "../store/now";
import { frame, place, plan, say } from "../store/project";

function state(step: Thing): string {
  const { status, due, last } = turnOf(plan.value, step);
  if (status === "done" && last) return t("Done: {day}", { day: dayWords(last.said_at, now.value) });
  if (status === "not_done") return t("Not done");
  if (!due) return t("No date yet");
  return due < isoDay(now.value) ? wasDueOn(due, now.value) : dueOn(due, now.value);
}

const edit = (id: string, field: string) => go("edit", { about: { entity: "step", id, field } });

function Answer({ step }: { step: Thing }) {
  const { id } = step;
  const { status, repeats } = turnOf(plan.value, step);
  if (status !== "open") {
    return (
      <button type="button" class="second" onClick={() => void say("step", id, "status", "open")}>
        {t("Reopen")}
      </button>
    );
  }
  return (
    <div class="pair-of">
      <button type="button" class="second" onClick={() => void say("step", id, "status", "done")}>
        <Icon name="check" />
        {repeats === "none" ? t("Done") : t("Done this time")}
      </button>
      <button type="button" class="second" onClick={() => edit(id, "reason")}>
        {t("Not done, and why")}
      </button>
    </div>
  );
}

/** Of a step that comes again: how often, and what became of the last time. */
function Again({ step }: { step: Thing }) {
  const { repeats, last } = turnOf(plan.value, step);
  if (repeats === "none") return null;
  const outcome = last && {
    done: t("Done: {day}", { day: dayWords(last.said_at, now.value) }),
    not_done: t("Not done"),
  };
  return (
    <p class="soft" role="status">
      {repeats === "weekly" ? t("Repeats every week.") : t("Repeats every month.")}{" "}
      {outcome && last && t("Last time: {what}", { what: outcome[last.value as keyof typeof outcome] ?? "" })}
    </p>
  );
}

/** Another day was chosen: which it was before, who chose, and why. */
function Moved({ id }: { id: string }) {
  const days = plan.value.history("step", id, "due_on").slice().sort(byOrder);
  const latest = plan.value.get("step", id, "due_on").stands;
  const before = days.filter((each) => each.id !== latest?.id && isDate(each.value)).at(-1);
  if (!latest || !before || !isDate(before.value) || latest.value === before.value || byOrder(before, latest) > 0)
    return null;
  const why = words(plan.value, "step", id, "moved_why");
  return (
    <Voice who={latest.who} when={ago(latest.said_at)}>
      <p class="soft">{t("The date was changed. Before: {day}", { day: dayWords(before.value, now.value) })}</p>
      {why && <Words text={why} />}
    </Voice>
  );
}

export function Step() {
  const step = plan.value.one("step", about.value["id"] ?? "");
  if (!step) return <NotFound />;
  const owner = words(plan.value, "step", step.id, "owner_id");
  const role =
    owner === place.value?.child ? "child" : (frame.value?.people.find(({ id }) => id === owner)?.role ?? "");
  const { status, last } = turnOf(plan.value, step);
  const isNotDone = status === "not_done" || (status === "open" && last?.value === "not_done");
  const goal = words(plan.value, "step", step.id, "goal_id");
  const reason = voiceIn("step", step.id, "reason");
  const isOpen = ["text", "due_on", "owner_id", "status", "reason", "repeats", "moved_why"].filter(
    (field) => plan.value.get("step", step.id, field).sides.length > 1,
  );
  return (
    <Page title={role === "child" ? t("A step") : t("A promise")}>
      <Voice
        who={{ id: owner, role }}
        title={owner ? called({ id: owner, role }) : t("No one is doing this yet")}
        when={state(step)}
      >
        <Words text={words(plan.value, "step", step.id, "text")} />
      </Voice>
      <Again step={step} />
      <Waits thing={step} />
      {status === "open" && <Moved id={step.id} />}
      {typeof reason?.value === "string" && reason.value && isNotDone && (
        <Voice who={reason.who} when={ago(reason.said_at)}>
          <Words text={reason.value} />
        </Voice>
      )}
      {isOpen.map((field) => (
        <button
          key={field}
          type="button"
          class="second"
          onClick={() => go("difference", { about: { entity: "step", id: step.id, field } })}
        >
          <Icon name="talk" />
          {t("See both versions")}
        </button>
      ))}
      {mayTick(owner) && <Answer step={step} />}
      {mayChange() && (
        <ul class="rows">
          {status === "not_done" && (
            <EditRow id={step.id} field="reason" icon={<Icon name="talk" />} word={t("Say why not")} />
          )}
          <EditRow id={step.id} field="due_on" icon={<Icon name="days" />} word={t("Choose another date")} />
          <EditRow id={step.id} field="repeats" icon={<Pictogram name="repeat" />} word={t("Choose how often")} />
          <EditRow id={step.id} field="owner_id" icon={<Icon name="hands" />} word={t("Choose who does it")} />
          <EditRow id={step.id} field="text" icon={<Icon name="words" />} word={t("Change the words")} />
        </ul>
      )}
      {goal && (
        <button type="button" class="quiet" onClick={() => go("goal", { about: { id: goal } })}>
          {t("See the goal")}
          <Icon name="next" />
        </button>
      )}
      <History things={[{ entity: "step", id: step.id, fields: STEP_FIELDS }]} />
    </Page>
  );
}

function EditRow({ id, field, icon, word }: { id: string; field: string; icon: ComponentChild; word: string }) {
  return (
    <li>
      <button type="button" class="row" onClick={() => edit(id, field)}>
        {icon}
        <span class="row-text">{word}</span>
        <Icon name="next" />
      </button>
    </li>
  );
}

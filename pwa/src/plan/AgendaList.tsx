/** What there is to talk about at a meeting: what changed since the last one, and which promises were kept. */
import type { ComponentChildren } from "preact";
import { listed, t, tn } from "../i18n";
import { go } from "../routes";
import { now } from "../store/now";
import { frame, place, plan } from "../store/project";
import { agendaOf, heldAt, type Changed } from "./agenda";
import { called, dayWords, dueOn, fieldName } from "./labels";
import { Mark } from "./parts";
import { words, type Thing } from "./state";
import { turnOf } from "./turns";

function nameOf({ entity, id }: { entity: string; id: string }): string {
  if (entity === "life_project") return t("About this path");
  if (entity === "step") return words(plan.value, "step", id, "text");
  return words(plan.value, "goal", id, "child_words") || words(plan.value, "goal", id, "worker_words");
}

function to({ entity, id }: { entity: string; id: string }): void {
  if (entity === "life_project") go("plan");
  else go(entity === "step" ? "step" : "goal", { about: { id } });
}

function Row({ about, children }: { about: { entity: string; id: string }; children: ComponentChildren }) {
  const owner = about.entity === "step" ? words(plan.value, "step", about.id, "owner_id") : "";
  return (
    <li>
      <button type="button" class="row" onClick={() => to(about)}>
        {owner && <Mark isChild={owner === place.value?.child} />}
        <span class="row-text">
          {owner && (
            <span class="soft">
              <bdi>{called({ id: owner, role: owner === place.value?.child ? "child" : "" })}</bdi>
            </span>
          )}
          <span dir="auto">{nameOf(about)}</span>
          {children}
        </span>
      </button>
    </li>
  );
}

function ChangedRow({ change }: { change: Changed }) {
  return (
    <Row about={change}>
      <span class="soft">
        {change.isNew
          ? t("New")
          : t("Different now: {what}", { what: listed(change.fields.map((field) => fieldName(change.entity, field))) })}
      </span>
    </Row>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      <ul class="rows">{children}</ul>
    </section>
  );
}

export function AgendaList({ review }: { review: Thing }) {
  const { since, changed, kept, broken, late, differences } = agendaOf(
    plan.value,
    review,
    frame.value?.signed_revision ?? null,
    now.value,
  );
  const isEmpty = changed.length + kept.length + broken.length + late.length + differences === 0;
  return (
    <section class="agenda">
      <h2>{heldAt(plan.value, review) ? t("What was on the agenda") : t("What to talk about")}</h2>
      <p class="soft">
        {since
          ? t("This is what has changed since {day}. You can talk about other things too.", {
              day: dayWords(new Date(since), now.value),
            })
          : t("This is everything in the plan so far. You can talk about other things too.")}
      </p>
      {isEmpty && <p>{t("Nothing has changed in the plan.")}</p>}
      {differences > 0 && (
        <p>
          {tn(
            "You two wrote different things in {n} place. We kept both. You can decide together.",
            "You two wrote different things in {n} places. We kept both. You can decide together.",
            differences,
          )}
        </p>
      )}
      {late.length > 0 && (
        <Part title={t("Still open, but late")}>
          {late.map((step) => (
            <Row key={step.id} about={step}>
              <span class="soft">{dueOn(turnOf(plan.value, step).due, now.value)}</span>
            </Row>
          ))}
        </Part>
      )}
      {broken.length > 0 && (
        <Part title={t("Not done")}>
          {broken.map((step) => (
            <Row key={step.id} about={step}>
              <span class="soft" dir="auto">
                {words(plan.value, "step", step.id, "reason")}
              </span>
            </Row>
          ))}
        </Part>
      )}
      {kept.length > 0 && (
        <Part title={t("Done")}>
          {kept.map((step) => (
            <Row key={step.id} about={step}>
              {null}
            </Row>
          ))}
        </Part>
      )}
      {changed.length > 0 && (
        <Part title={t("New or changed")}>
          {changed.map((change) => (
            <ChangedRow key={`${change.entity} ${change.id}`} change={change} />
          ))}
        </Part>
      )}
    </section>
  );
}

/** What frames the path: the account of the authority, where life goes on, until when; and the looks back. */
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { PlanEnding } from "../plan/PlanEnding";
import { dayWords, reviewName } from "../plan/labels";
import { FieldRow, Lead, mayMeet } from "../plan/parts";
import { History } from "../plan/History";
import { words, type Thing } from "../plan/state";
import { go } from "../routes";
import { now } from "../store/now";
import { myself, plan } from "../store/project";

const PLAN = ["summary", "situation", "option", "countries", "plan_b", "ends_on"];

export function reviewWhen(review: Thing): string {
  const held = words(plan.value, "review", review.id, "held_on");
  const due = words(plan.value, "review", review.id, "due_on");
  return held || due ? dayWords(held || due, now.value) : t("No date yet");
}

export function Plan() {
  const id = plan.value.child;
  // Of a plan a carer sees when one meets next, and until when it lasts.
  const fields = myself.value.role === "carer" ? ["ends_on"] : PLAN;
  return (
    <Page title={t("About this path")}>
      <PlanEnding />
      <ul class="rows">
        {fields.map((field) => (
          <FieldRow key={field} entity="life_project" id={id} field={field} />
        ))}
      </ul>
      <section>
        <h2>{t("Review meetings")}</h2>
        <ul class="rows">
          {plan.value.all("review").map((review) => (
            <Lead
              key={review.id}
              to="review"
              about={{ id: review.id }}
              icon={<Pictogram name="two" />}
              word={reviewName(words(plan.value, "review", review.id, "kind"))}
              state={reviewWhen(review)}
            />
          ))}
        </ul>
      </section>
      {mayMeet() && (
        <button type="button" class="second" onClick={() => go("new-review")}>
          <Icon name="plus" />
          {t("Ask for a meeting")}
        </button>
      )}
      {myself.value.role !== "carer" && (
        <History things={[{ entity: "life_project", id, fields: [...PLAN, "closing"] }]} />
      )}
    </Page>
  );
}

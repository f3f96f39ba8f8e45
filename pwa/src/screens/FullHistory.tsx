/** Everything that was ever said in the project, the latest first, a few days of it at a time. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Page } from "../parts/Page";
import { Entries, told } from "../plan/History";
import { words } from "../plan/state";
import { GOAL_FIELDS, STEP_FIELDS } from "../plan/turns";
import { plan } from "../store/project";

const FIELDS: Record<string, string[]> = {
  goal: GOAL_FIELDS,
  step: STEP_FIELDS,
  area: ["importance", "now"],
};

const FEW = 40;
const most = signal(FEW);

export function FullHistory() {
  useEffect(() => () => void (most.value = FEW), []);
  const things = Object.entries(FIELDS).flatMap(([entity, fields]) =>
    plan.value.all(entity).map(({ id }) => {
      const own = entity === "step" ? "text" : "child_words";
      return { entity, id, fields, about: words(plan.value, entity, id, own) };
    }),
  );
  const project = {
    entity: "life_project",
    id: plan.value.child,
    fields: ["summary", "situation", "ends_on", "option", "plan_b", "countries"],
  };
  // Words that are themselves what a thing is called need not say so twice.
  const all = told([project, ...things]).map((entry) =>
    entry.about === entry.value ? { ...entry, about: "" } : entry,
  );
  return (
    <Page title={t("Everything that was said")}>
      <p>{t("Words that were changed later stay here too. The newest is at the top.")}</p>
      <Entries list={all.slice(0, most.value)} />
      {all.length > most.value && (
        <button type="button" class="second" onClick={() => (most.value += FEW)}>
          {t("Show earlier entries")}
        </button>
      )}
    </Page>
  );
}

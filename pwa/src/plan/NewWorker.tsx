/** Who the caseworker is now, said to the child until the two have sat down together. */
import { listed, t } from "../i18n";
import { Banner } from "../parts/Banner";
import { isChild, plan, there } from "../store/project";
import { is, words } from "./state";

export function NewWorker() {
  const isNew = plan.value
    .all("review")
    .some(
      (review) => is(review, plan.value, "kind", "new_worker") && !words(plan.value, "review", review.id, "held_on"),
    );
  const names = there.value.filter(({ role }) => role === "caseworker").map(({ name }) => name);
  if (!isChild.value || !isNew || names.length === 0) return null;
  return (
    <Banner icon="talk">
      <p>{t("Your caseworker now: {names}", { names: listed(names) })}</p>
    </Banner>
  );
}

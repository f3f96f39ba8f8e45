import { t } from "../i18n";
import { go } from "../routes";
import { hasAnswer } from "../store/answers";
import { line } from "../store/turns";
import { Icon } from "./Icon";

/** What waits in the project and among the questions, on Today. */
export const News = () => (
  <>
    <Turn />
    <NewAnswer />
  </>
);

/** One line without a name, under everything else: a glance over the shoulder learns nothing by it. */
function Turn() {
  const says = line.value;
  if (!says) return null;
  const words = {
    mine: t("You have something to do today."),
    answer: t("No answer yet."),
    promise: t("A promise to you is late."),
  }[says];
  return (
    <button type="button" class="quiet turn" onClick={() => go(says === "answer" ? "talk" : "project")}>
      <Icon name="path" />
      {words}
    </button>
  );
}

/** A question of the child has an answer: which one, the list says. */
function NewAnswer() {
  if (!hasAnswer.value) return null;
  return (
    <button type="button" class="quiet" onClick={() => go("asked")}>
      <Icon name="question" />
      {t("There's an answer for you")}
    </button>
  );
}

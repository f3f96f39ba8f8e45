/** What waits for the reader's own yes or no comes first, until they say it. */
import { t, tn } from "../i18n";
import { go } from "../routes";
import { frame, myself, plan } from "../store/project";
import { news } from "./newSince";
import { obstacle } from "./obstacle";
import { parties } from "./parties";
import { mayChange } from "./parts";
import { Pictogram } from "./Pictogram";

/** True where one's own answer to the text that stands is missing. */
function isAsked(): boolean {
  const told = frame.value;
  if (!told || !mayChange() || obstacle() || told.signed_revision === told.revision) return false;
  if (plan.value.all("goal").length === 0) return false;
  return parties(plan.value, told.revision, told.people).some(({ id, own }) => id === myself.value.id && own === null);
}

export function ToAgree() {
  if (!isAsked()) return null;
  const isNew = frame.value?.signed_revision === null;
  return (
    <section class="to-agree" aria-labelledby="to-agree">
      <h2 id="to-agree">
        <Pictogram name="hands" />
        {t("Do you agree?")}
      </h2>
      <p>
        {isNew
          ? t("Nobody has agreed to this plan yet.")
          : tn("{n} thing is new since you agreed.", "{n} things are new since you agreed.", news().length)}
      </p>
      <button type="button" class="plain" onClick={() => go("agree")}>
        {t("Read and answer")}
      </button>
    </section>
  );
}

/** What one person said aloud, written down by another. It binds nobody who does not confirm it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { useDraft } from "../plan/drafts";
import { called } from "../plan/labels";
import { obstacle } from "../plan/obstacle";
import { parties, type Decision } from "../plan/parties";
import { Mark } from "../plan/parts";
import { backBy } from "../routes";
import { frame, make, myself, plan } from "../store/project";
import { forgetSpoken, Pictures, Spoken, spokenValue } from "./AgreeHow";
import { LONGEST, Writing } from "./Edit";

const whose = signal("");
const decision = signal<Decision | null>(null);

export function Witness() {
  const told = frame.value;
  const present = useDraft("witness present", () => ({ value: "", base: null }));
  const draft = useDraft("witness", () => ({ value: "", base: null }));
  useEffect(() => {
    whose.value = plan.value.child;
    decision.value = null;
    forgetSpoken();
  }, []);
  const others = told
    ? parties(plan.value, told.revision, told.people).filter(
        ({ id, role }) =>
          id !== myself.value.id && role !== "caseworker" && (role !== "agency" || myself.value.role === "caseworker"),
      )
    : [];
  const why = obstacle();
  const isOfChild = whose.value === plan.value.child;
  const keep = async () => {
    await make("agreement", {
      revision: told!.revision,
      decision: decision.value,
      method: "witnessed",
      of_id: whose.value,
      comment: draft.value.trim() || null,
      present: present.value.trim() || null,
      ...spokenValue(),
    });
    draft.drop();
    present.drop();
    backBy(1);
  };
  return (
    <Page title={t("Said aloud")}>
      <p>
        {isOfChild
          ? t("Write down what the child said about this text. It counts once they say it in their own app.")
          : t("Write down what was said about this text.")}
      </p>
      {others.length > 1 && (
        <section class="stack">
          <h2 id="whose">{t("Who said it?")}</h2>
          <div class="options" role="group" aria-labelledby="whose">
            {others.map((party) => (
              <button
                key={party.id}
                type="button"
                class="plain option"
                aria-pressed={whose.value === party.id}
                onClick={() => (whose.value = party.id)}
              >
                <Mark isChild={party.role === "child"} />
                <bdi>{called(party)}</bdi>
                {whose.value === party.id && <Icon name="check" />}
              </button>
            ))}
          </div>
        </section>
      )}
      <section class="stack">
        <h2 id="said">{t("What was the answer?")}</h2>
        <Pictures labelledBy="said" value={decision.value} onChoose={(code) => (decision.value = code)} />
      </section>
      <div class="field">
        <label for="words" id="comment">
          {t("The exact words")}
        </label>
        <Writing id="words" value={draft.value} onInput={draft.set} labelledBy="comment" rows={3} />
      </div>
      <div class="field">
        <label for="present">{t("Who was there?")}</label>
        <input
          id="present"
          dir="auto"
          maxLength={LONGEST}
          value={present.value}
          onInput={(event) => present.set(event.currentTarget.value)}
        />
      </div>
      <Spoken />
      {why ? (
        <p class="note-line">{why}</p>
      ) : (
        <button
          type="button"
          class="main"
          disabled={decision.value === null || !present.value.trim()}
          onClick={() => void keep()}
        >
          {t("Save")}
        </button>
      )}
    </Page>
  );
}

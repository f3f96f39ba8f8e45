/** Something is not right: it goes round the caseworker, and gets an answer that the child can read. */
import { listed, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { useDraft } from "../plan/drafts";
import { isoDay, ofDay, roleName } from "../plan/labels";
import { ago, mayComplain, voiceIn, Voice, Waits, Words } from "../plan/parts";
import { advocatesThere } from "../plan/lanes";
import { words, type Thing } from "../plan/state";
import { answerDue } from "../plan/turns";
import { go } from "../routes";
import { now } from "../store/now";
import { isChild, make, myself, plan, say, there } from "../store/project";
import { COMPLAINT } from "./AgreeHow";
import { Options, Writing } from "./Edit";

const mayAnswer = (to: string) => myself.value.role === to;

/** Whether it goes to others now: this phone may have its words from before. */
export function goesToOthers({ id, by }: Thing): boolean {
  const to = words(plan.value, "complaint", id, "to");
  const me = there.value.filter((person) => person.id === myself.value.id).map(({ role }) => role);
  const isForMe = by.id === myself.value.id || mayAnswer(to) || me.some((role) => role === to);
  return !isForMe && plan.value.history("complaint", id, "to").length > 1;
}

function whoIs(role: string): string {
  const names = there.value.filter((person) => person.role === role).map(({ name }) => name);
  return names.length > 0 ? t("{names} ({role})", { names: listed(names), role: roleName(role) }) : roleName(role);
}

function Answering({ complaint }: { complaint: Thing }) {
  const draft = useDraft(`answer ${complaint.id}`, () => ({ value: "", base: null }));
  const keep = async () => {
    await say("complaint", complaint.id, "answer", draft.value.trim());
    draft.drop();
  };
  const label = `answer-${complaint.id}`;
  return (
    <div class="field">
      <p id={label} class="strong">
        {t("Your answer. The child can read it.")}
      </p>
      <Writing id={`text-${complaint.id}`} value={draft.value} onInput={draft.set} labelledBy={label} rows={4} />
      <button type="button" class="second" disabled={!draft.value.trim()} onClick={() => void keep()}>
        {t("Send")}
      </button>
    </div>
  );
}

function One({ complaint }: { complaint: Thing }) {
  const to = words(plan.value, "complaint", complaint.id, "to");
  const due = answerDue(plan.value, complaint);
  const isLate = due < isoDay(now.value);
  const answer = voiceIn("complaint", complaint.id, "answer");
  // Blanks are no answer.
  const text = typeof answer?.value === "string" ? answer.value.trim() : "";
  return (
    <li>
      <Voice who={complaint.by} when={ago(complaint.made_at)}>
        <p class="soft">{t("To: {who}", { who: whoIs(to) })}</p>
        <Words text={words(plan.value, "complaint", complaint.id, "text")} />
        <Waits thing={complaint} />
      </Voice>
      {answer && text ? (
        <Voice who={answer.who} when={ago(answer.said_at)}>
          <Words text={text} />
        </Voice>
      ) : (
        <p class={isLate ? "stone-when late" : "soft"}>
          {isLate && <Icon name="warn" />}
          {isLate
            ? ofDay(
                due,
                now.value,
                (day) => t("No answer yet. It was due {day}.", { day }),
                (date) => t("No answer yet. It was due on {date}.", { date }),
              )
            : ofDay(
                due,
                now.value,
                (day) => t("No answer yet. It's due {day}.", { day }),
                (date) => t("No answer yet. It's due on {date}.", { date }),
              )}
        </p>
      )}
      {!text && mayAnswer(to) && (
        <>
          <Answering complaint={complaint} />
          <button
            type="button"
            class="quiet words"
            onClick={() => go("edit", { about: { entity: "complaint", id: complaint.id, field: "answer_due" } })}
          >
            <Icon name="words" />
            {t("Choose another date")}
          </button>
        </>
      )}
    </li>
  );
}

/** A child's words to an advocate are a message that nobody else reads: there they are answered. */
const ADVOCATE = "advocate:";

function Writing_() {
  const to = useDraft("complaint to", () => ({ value: "supervisor", base: null }));
  const draft = useDraft(COMPLAINT, () => ({ value: "", base: null }));
  const advocates = isChild.value ? advocatesThere() : [];
  const chosen = advocates.find(({ id }) => to.value === ADVOCATE + id);
  // Their time may have ended while one wrote: then one chooses again.
  const isGone = to.value.startsWith(ADVOCATE) && !chosen;
  const keep = async () => {
    if (chosen) {
      await make("message", { text: draft.value.trim(), advocate_id: chosen.id, is_private: true });
      draft.drop();
      to.drop();
      return go("talk");
    }
    await make("complaint", { text: draft.value.trim(), to: to.value });
    draft.drop();
    to.drop();
  };
  // A guardian is offered where there is one; a supervisor there always is.
  const isThere = (role: string) => role !== myself.value.role && there.value.some((person) => person.role === role);
  const roles = ["supervisor", "guardian"].filter((role) => role === "supervisor" || isThere(role));
  const options: [string, string][] = [
    ...roles.map((role): [string, string] => [role, whoIs(role)]),
    ...advocates.map(({ id, name }): [string, string] => [
      ADVOCATE + id,
      t("{names} ({role})", { names: name, role: roleName("advocate") }),
    ]),
  ];
  return (
    <>
      <Options options={options} value={to.value} onChoose={to.set} />
      <Writing id="words" value={draft.value} onInput={draft.set} labelledBy="title" />
      <p class="soft">
        {chosen
          ? t("Only you and {name} can read this.", { name: chosen.name })
          : isGone
            ? t("Choose who it is for.")
            : t("Only {who} can read this. They have to answer. The caseworker can't see it here.", {
                who: whoIs(to.value),
              })}
      </p>
      <button type="button" class="main" disabled={isGone || !draft.value.trim()} onClick={() => void keep()}>
        {t("Send")}
      </button>
    </>
  );
}

export function Complaint() {
  return (
    <Page title={t("Something isn't right")}>
      {mayComplain() && <p>{t("You can tell us at any time. You won't be in trouble. Who do you want to tell?")}</p>}
      {mayComplain() && <Writing_ />}
      <ul class="thread">
        {plan.value
          .all("complaint")
          .filter((complaint) => !goesToOthers(complaint))
          .reverse()
          .map((complaint) => (
            <One key={complaint.id} complaint={complaint} />
          ))}
      </ul>
    </Page>
  );
}

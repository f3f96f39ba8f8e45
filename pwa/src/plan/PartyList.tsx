/** What each party said to the text that stands, and how. */
import { t } from "../i18n";
import { now } from "../store/now";
import { frame, isChild, myself, plan } from "../store/project";
import { called, dayWords, languageName, roleName } from "./labels";
import { decisionOf, parties, type Decision, type Party } from "./parties";
import { ago, Mark, Waits, Words } from "./parts";
import { Picture } from "./Picture";
import { is, words, type Thing } from "./state";

export const decisions = (): Record<Decision, string> => ({
  agree: t("I agree"),
  in_part: t("I agree with some of it"),
  disagree: t("I don't agree"),
});

const states = (): Record<Decision, string> => ({
  agree: t("Agrees"),
  in_part: t("Agrees with some of it"),
  disagree: t("Doesn't agree"),
});

function howSaid(agreement: Thing): string[] {
  const text = (field: string) => words(plan.value, "agreement", agreement.id, field);
  const flag = (field: string) => plan.value.get("agreement", agreement.id, field).stands?.value;
  const methods: Record<string, string> = {
    drawn: t("With a drawing"),
    pictogram: t("With a picture"),
    witnessed: t("Said aloud"),
    voice: t("By voice"),
  };
  const sentences = [methods[text("method")] ?? ""];
  if (flag("explained") === true) sentences.push(t("It was explained."));
  if (flag("explained") === true || text("method") === "witnessed") {
    sentences.push(t("Language: {language}", { language: languageName(text("language")) }));
    const interpreter = plan.value.get("agreement", agreement.id, "interpreter").stands?.value;
    if (interpreter === "") sentences.push(t("Without an interpreter"));
    if (typeof interpreter === "string" && interpreter) sentences.push(t("Interpreter: {name}", { name: interpreter }));
  }
  if (flag("explained") === false) sentences.push(t("It wasn't explained."));
  if (text("present")) sentences.push(t("Who was there: {names}", { names: text("present") }));
  return sentences.filter(Boolean);
}

function Answer({ agreement, name }: { agreement: Thing; name: string }) {
  const comment = words(plan.value, "agreement", agreement.id, "comment");
  const drawing = words(plan.value, "agreement", agreement.id, "drawing");
  return (
    <>
      <p class="party-state">
        <Picture decision={decisionOf(plan.value, agreement)} />
        <span>
          <span class="strong">{states()[decisionOf(plan.value, agreement)]}</span>
          <span class="soft">{ago(agreement.made_at)}</span>
        </span>
      </p>
      {comment && <Words text={comment} />}
      {howSaid(agreement).map((line) => (
        <p key={line} class="soft">
          {line}
        </p>
      ))}
      {drawing && (
        <svg class="drawn" viewBox="0 0 300 150" role="img" aria-label={t("What {name} drew", { name })}>
          <path d={drawing} />
        </svg>
      )}
      <Waits thing={agreement} />
    </>
  );
}

function writtenDown({ by }: Thing, isOfChild: boolean): string {
  const name = called(by);
  if (by.id === myself.value.id) {
    return isOfChild
      ? t("You wrote this down. It counts once the child says it in their own app.")
      : t("You wrote this down.");
  }
  if (isOfChild && isChild.value) {
    return t("{name} wrote this down. It counts once you say it in your app.", { name });
  }
  return isOfChild
    ? t("{name} wrote this down. It counts once the child says it in their own app.", { name })
    : t("{name} wrote this down.", { name });
}

function One({ party }: { party: Party }) {
  const { own, recorded, name, role } = party;
  return (
    <li class="entry">
      <Mark isChild={role === "child"} />
      <div>
        <p class="strong">
          <bdi>{name}</bdi>
          {role !== "agency" && name !== roleName(role) && <span class="soft party-role">{roleName(role)}</span>}
        </p>
        {own && <Answer agreement={own} name={name} />}
        {!own && recorded && (
          <>
            <Answer agreement={recorded} name={name} />
            <p class="soft">{writtenDown(recorded, role === "child")}</p>
          </>
        )}
        {!own && !recorded && (
          <p class="soft">{party.hasEarlier ? t("No answer yet to the new version") : t("No answer yet")}</p>
        )}
      </div>
    </li>
  );
}

/** When a person ticked that the child has a copy of what was signed. */
function copyGiven(revision: number): Thing | undefined {
  return plan.value
    .all("agreement")
    .filter(
      (agreement) => is(agreement, plan.value, "revision", revision) && is(agreement, plan.value, "copy_given", true),
    )
    .at(-1);
}

export function Parties() {
  const told = frame.value;
  if (!told) return null;
  const copy = copyGiven(told.revision);
  return (
    <section>
      <h2>{t("Each person's answer")}</h2>
      <ul class="entries">
        {parties(plan.value, told.revision, told.people).map((party) => (
          <One key={party.id} party={party} />
        ))}
      </ul>
      {copy && <p class="soft">{t("Copy given: {day}", { day: dayWords(copy.made_at, now.value) })}</p>}
    </section>
  );
}

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

function howSaid(one: Thing): string[] {
  const text = (field: string) => words(plan.value, "agreement", one.id, field);
  const flag = (field: string) => plan.value.get("agreement", one.id, field).stands?.value;
  const methods: Record<string, string> = {
    drawn: t("With a drawing"),
    pictogram: t("With a picture"),
    witnessed: t("Said aloud"),
    voice: t("By voice"),
  };
  const found = [methods[text("method")] ?? ""];
  if (flag("explained") === true) found.push(t("It was explained."));
  if (flag("explained") === true || text("method") === "witnessed") {
    found.push(t("Language: {language}", { language: languageName(text("language")) }));
    const interpreter = plan.value.get("agreement", one.id, "interpreter").stands?.value;
    if (interpreter === "") found.push(t("Without an interpreter"));
    if (typeof interpreter === "string" && interpreter) found.push(t("Interpreter: {name}", { name: interpreter }));
  }
  if (flag("explained") === false) found.push(t("It wasn't explained."));
  if (text("present")) found.push(t("Who was there: {names}", { names: text("present") }));
  return found.filter(Boolean);
}

function Answer({ one, name }: { one: Thing; name: string }) {
  const comment = words(plan.value, "agreement", one.id, "comment");
  const drawing = words(plan.value, "agreement", one.id, "drawing");
  return (
    <>
      <p class="party-state">
        <Picture decision={decisionOf(plan.value, one)} />
        <span>
          <span class="strong">{states()[decisionOf(plan.value, one)]}</span>
          <span class="soft">{ago(one.made_at)}</span>
        </span>
      </p>
      {comment && <Words text={comment} />}
      {howSaid(one).map((line) => (
        <p key={line} class="soft" dir="auto">
          {line}
        </p>
      ))}
      {drawing && (
        <svg class="drawn" viewBox="0 0 300 150" role="img" aria-label={t("What {name} drew", { name })}>
          <path d={drawing} />
        </svg>
      )}
      <Waits thing={one} />
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
        {own && <Answer one={own} name={name} />}
        {!own && recorded && (
          <>
            <Answer one={recorded} name={name} />
            <p class="soft">
              {writtenDown(recorded, role === "child")}
            </p>
          </>
        )}
        {!own && !recorded && (
          <p class="soft">
            {party.hasEarlier ? t("No answer yet to the new version") : t("No answer yet")}
          </p>
        )}
      </div>
    </li>
  );
}

/** When somebody ticked that the child has a copy of what was signed. */
function copyGiven(revision: number): Thing | undefined {
  return plan.value
    .all("agreement")
    .filter((one) => is(one, plan.value, "revision", revision) && is(one, plan.value, "copy_given", true))
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

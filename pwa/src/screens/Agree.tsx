/** Agreeing, or not: first what it is about, then one of three equal answers, then how. */
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { nameOfThing } from "../plan/compare";
import { line, news } from "../plan/newSince";
import { called, dueOn, valueName } from "../plan/labels";
import { decisionOf, parties, type Decision } from "../plan/parties";
import { decisions, Parties } from "../plan/PartyList";
import { Mark, mayChange, Voice } from "../plan/parts";
import { obstacle } from "../plan/obstacle";
import { Pictogram } from "../plan/Pictogram";
import { Picture } from "../plan/Picture";
import { words, type Thing } from "../plan/state";
import { GOAL_FIELDS, turnOf } from "../plan/turns";
import { about, go } from "../routes";
import { now } from "../store/now";
import { addressOf } from "../store/roster";
import { frame, isChild, make, myself, place, plan } from "../store/project";
import { After, How } from "./AgreeHow";
import { Witness } from "./AgreeWitness";

function News() {
  if (!frame.value?.signed) return null;
  const list = news();
  if (list.length === 0) return null;
  return (
    <section>
      <h2>{t("New since you agreed")}</h2>
      <ul class="entries">
        {list.map(({ key, title, lines }) => (
          <li key={key} class="entry">
            <div>
              {title && (
                <p class="strong" dir="auto">
                  {title}
                </p>
              )}
              {lines.map((line) => (
                <p key={line}>{line}</p>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function promises(isChilds: boolean): Thing[] {
  return plan.value.all("step").filter((step) => {
    const owner = words(plan.value, "step", step.id, "owner_id");
    return owner && (owner === place.value?.child) === isChilds;
  });
}

function Promises({ title, steps }: { title: string; steps: Thing[] }) {
  return (
    <section>
      <h2>{title}</h2>
      {steps.length === 0 && <p>{t("Nothing yet")}</p>}
      <ul class="entries">
        {steps.map((step) => {
          const owner = words(plan.value, "step", step.id, "owner_id");
          const role = owner === place.value?.child ? "child" : "";
          const { due, repeats } = turnOf(plan.value, step);
          return (
            <li key={step.id} class="entry">
              <Mark isChild={role === "child"} />
              <div>
                <p class="soft">
                  <bdi>{called({ id: owner, role })}</bdi>
                </p>
                <p dir="auto">{words(plan.value, "step", step.id, "text")}</p>
                {due && <p class="soft">{dueOn(due, now.value)}</p>}
                {repeats !== "none" && <p class="soft">{valueName("step", "repeats", repeats, now.value)}</p>}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Goals() {
  return (
    <section>
      <h2>{t("What you want to achieve")}</h2>
      <ul class="entries">
        {plan.value.all("goal").map((goal) => {
          const title = nameOfThing(plan.value, "goal", goal.id);
          const isSaid = (field: string) => {
            const value = plan.value.get("goal", goal.id, field).stands?.value;
            return Boolean(value) && value !== title;
          };
          return (
            <li key={goal.id} class="entry">
              <Pictogram name={words(plan.value, "area", words(plan.value, "goal", goal.id, "area_id"), "kind")} />
              <div>
                <p dir="auto">{title}</p>
                {GOAL_FIELDS.filter(isSaid).map((field) => (
                  <p key={field} class="soft">
                    {line("goal", goal.id, field)}
                  </p>
                ))}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const answer = (decision: Decision) =>
  go("agree", { about: { q: "how", decision, revision: String(frame.value!.revision) } });

function Choices() {
  return (
    <div class="pictures">
      {(Object.entries(decisions()) as [Decision, string][]).map(([code, word]) => (
        <button key={code} type="button" class="area" onClick={() => answer(code)}>
          <Picture decision={code} />
          <span>{word}</span>
        </button>
      ))}
    </div>
  );
}

const mine = () => {
  const told = frame.value;
  const all = told ? parties(plan.value, told.revision, told.people) : [];
  return all.find(({ id }) => id === myself.value.id) ?? null;
};

/** What an adult wrote down of the child counts only with the child's own word. */
function Confirm() {
  const party = mine();
  if (!party?.recorded || party.own) return null;
  const { recorded } = party;
  const decision = decisionOf(plan.value, recorded);
  return (
    <Voice who={recorded.by} title={t("{name} wrote down what you said", { name: called(recorded.by) })}>
      <p class="party-state">
        <Picture decision={decision} />
        <span class="strong">{decisions()[decision]}</span>
      </p>
      <p>{t("It only counts if you say it yourself. Is this right?")}</p>
      <button type="button" class="plain" onClick={() => answer(decision)}>
        {t("Yes, that's what I said")}
      </button>
      <p class="soft">{t("If not, choose your own answer below.")}</p>
    </Voice>
  );
}

/** The caseworker says that the child has the words in hand: on paper, or as a file. */
function Copy() {
  const own = mine()?.own;
  if (myself.value.role !== "caseworker" || !own) return null;
  const hasGiven = plan.value.get("agreement", own.id, "copy_given").stands?.value === true;
  const tick = () => {
    const kept = ["revision", "decision", "method", "language", "comment"].map((field) => [
      field,
      plan.value.get("agreement", own.id, field).stands?.value ?? null,
    ]);
    return make("agreement", { ...Object.fromEntries(kept), copy_given: true });
  };
  return (
    <section class="stack">
      <h2>{t("A copy for the child")}</h2>
      <div class="pair-of">
        <a class="plain" href={addressOf(`${place.value!.path}/project.pdf`)} target="_blank" rel="noopener">
          {t("Open to print")}
        </a>
        {!hasGiven && (
          <button type="button" class="plain" onClick={() => void tick()}>
            <Icon name="check" />
            {t("I gave a copy")}
          </button>
        )}
      </div>
    </section>
  );
}

function Reading() {
  const why = obstacle();
  const hasEnd = words(plan.value, "life_project", plan.value.child, "ends_on") !== "";
  return (
    <Page title={t("Read it and say yes or no")}>
      <p>{t("Take your time. You can say yes, no, or yes to some of it. Every answer is all right.")}</p>
      <Goals />
      <Promises title={isChild.value ? t("What you do") : t("What the child does")} steps={promises(true)} />
      <Promises title={t("What adults promise")} steps={promises(false)} />
      <News />
      <Parties />
      {mayChange() && why && <p class="note-line">{why}</p>}
      {mayChange() && !why && !hasEnd && (
        <p class="note-line">{t("This plan has no end date. Choose one together first, if you can.")}</p>
      )}
      {mayChange() && !why && (
        <>
          <Confirm />
          <h2>{t("Your answer")}</h2>
          <Choices />
        </>
      )}
      {mayChange() && !why && !isChild.value && (
        <button type="button" class="quiet words" onClick={() => go("agree", { about: { q: "witness" } })}>
          <Icon name="talk" />
          {t("Write down a spoken answer")}
        </button>
      )}
      {!why && <Copy />}
      <p class="soft">
        {isChild.value
          ? t("It counts once you both agree. One adult must promise something too.")
          : t(
              "It counts once the child and the caseworker agree to the same text. An adult must promise something too.",
            )}
      </p>
    </Page>
  );
}

export function Agree() {
  const { q } = about.value;
  if (q === "how") return <How />;
  if (q === "after") return <After />;
  return q === "witness" && mayChange() && !isChild.value ? <Witness /> : <Reading />;
}

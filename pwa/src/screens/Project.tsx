/** The project on one screen: where it leads, whose turn it is, the path, and ways to all the rest. */
import { computed } from "@preact/signals";
import { t, tn } from "../i18n";
import { Banner } from "../parts/Banner";
import { Icon } from "../parts/Icon";
import { Notices } from "../parts/Notices";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { PlanEnding } from "../plan/PlanEnding";
import { areaName, isChildsVoice, stepsDone } from "../plan/labels";
import { Lead, mayChange, mayTalk, Voice, Waits, Words } from "../plan/parts";
import { Path } from "../plan/Path";
import { is, isDropped, words, type Plan, type Thing } from "../plan/state";
import { ToAgree } from "../plan/ToAgree";
import { WhoseTurn } from "../plan/WhoseTurn";
import { NewWorker } from "../plan/NewWorker";
import { go, isHere } from "../routes";
import { Children } from "./Children";
import { fits, frame, isChild, isLoose, isRead, myself, place, plan, refusedHere, waits } from "../store/project";

/** Hills, a way between them, and a flag: drawn with the colours of the page. */
function Land() {
  return (
    <svg class="land" viewBox="0 0 360 112" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <circle class="sun" cx="286" cy="36" r="17" />
      <path class="far" d="M0 74c40-34 78-38 116-16 30-26 70-34 112 2 36-20 84-22 132 8v44H0Z" />
      <path class="near" d="M0 92c70-22 130-20 186-4 62-20 116-18 174 0v24H0Z" />
      <path class="trail" d="M142 112c-6-10 40-13 38-22-2-8-34-9-30-17 3-6 22-7 24-14" />
      <path class="pole" d="M174 60V36" />
      <path class="pennant" d="M174 36c7-3 10 3 19 0v10c-9 3-12-3-19 0Z" />
    </svg>
  );
}

function News() {
  const open = plan.value.differences;
  const first = open[0];
  return (
    <>
      {isLoose.value && (
        <Banner icon="info" isUrgent>
          <p>{t("This phone is full. Keep the app open until it's sent.")}</p>
        </Banner>
      )}
      {refusedHere.value.length > 0 && (
        <Banner icon="warn" isUrgent>
          <p>
            {tn(
              "We couldn't send {n} thing. It's saved on this phone.",
              "We couldn't send {n} things. They're saved on this phone.",
              refusedHere.value.length,
            )}
          </p>
          <button type="button" class="plain" onClick={() => go("unsent")}>
            {t("See why")}
          </button>
        </Banner>
      )}
      {first && (
        <Banner icon="talk">
          <p>
            {tn(
              "You two wrote different things in {n} place. We kept both.",
              "You two wrote different things in {n} places. We kept both.",
              open.length,
            )}
          </p>
          <button
            type="button"
            class="plain"
            onClick={() => go("difference", { about: { entity: first.entity, id: first.id, field: first.field } })}
          >
            {t("See both")}
          </button>
        </Banner>
      )}
    </>
  );
}

/** The steps of all goals at once: looking for those of each would take as long as there are goals. */
const stepsByGoal = computed(() => {
  const steps = new Map<string, Thing[]>();
  for (const step of plan.value.all("step")) {
    const goal = words(plan.value, "step", step.id, "goal_id");
    steps.set(goal, [...(steps.get(goal) ?? []), step]);
  }
  return steps;
});

function GoalRow({ goal }: { goal: Thing }) {
  const area = words(plan.value, "goal", goal.id, "area_id");
  const kind = words(plan.value, "area", area, "kind");
  const steps = stepsByGoal.value.get(goal.id) ?? [];
  const done = steps.filter((step) => is(step, plan.value, "status", "done")).length;
  const childs = words(plan.value, "goal", goal.id, "child_words");
  const text = childs || words(plan.value, "goal", goal.id, "worker_words");
  return (
    <li>
      <button
        type="button"
        class="goal"
        aria-current={isHere("goal", { id: goal.id })}
        onClick={() => go("goal", { about: { id: goal.id } })}
      >
        <span class="goal-area">
          <Pictogram name={kind} />
          {areaName(kind)}
        </span>
        <span class="goal-words" dir="auto">
          {text}
        </span>
        <span class="soft">{stepsDone(done, steps.length)}</span>
        <Waits thing={goal} />
      </button>
    </li>
  );
}

function Goals() {
  const goals = plan.value.all("goal");
  const over = (goal: Thing) => isDropped(plan.value, goal.id) || is(goal, plan.value, "lifecycle", "completed");
  const open = goals.filter((goal) => !over(goal));
  const gone = goals.filter(over);
  return (
    <section class="goals">
      <h2>{t("Goals")}</h2>
      <ul>
        {open.map((goal) => (
          <GoalRow key={goal.id} goal={goal} />
        ))}
      </ul>
      {gone.length > 0 && (
        <details>
          <summary>{t("Reached or dropped")}</summary>
          <ul>
            {gone.map((goal) => (
              <GoalRow key={goal.id} goal={goal} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function agreeState(): string {
  const told = frame.value;
  if (!told) return "";
  if (told.signed_revision === told.revision && fits.value && !waits.value) {
    const isSigner = ["child", "caseworker"].includes(myself.value.role);
    return isSigner ? t("You have both agreed.") : t("The child and the caseworker have agreed.");
  }
  return told.signed_revision === null ? t("Nothing is agreed yet") : t("There is something new since you agreed");
}

function More() {
  // A carer sees what the carer promised, and the next dates: of all this, only where these stand.
  return (
    <ul class="rows">
      {myself.value.role !== "carer" && (
        <Lead to="agree" icon={<Pictogram name="hands" />} word={t("Read it and say yes or no")} state={agreeState()} />
      )}
      {myself.value.role !== "carer" && (
        <Lead
          to="houses"
          icon={<Pictogram name="housing" />}
          word={t("Three houses")}
          state={t("Good things, worries, dreams")}
        />
      )}
      <Lead
        to="plan"
        icon={<Pictogram name="flag" />}
        word={t("About this path")}
        state={myself.value.role === "carer" ? t("End date, meetings") : t("How things are here, end date, meetings")}
      />
      {mayTalk() && <Lead to="talk" icon={<Icon name="talk" />} word={t("Messages")} />}
      {["child", "guardian", "supervisor"].includes(myself.value.role) && (
        <Lead
          to="complaint"
          icon={<Icon name="warn" />}
          word={t("Something isn't right")}
          state={t("The caseworker won't see this")}
        />
      )}
    </ul>
  );
}

/** What was said, what came of it, and how it was. */
function LookingBack() {
  return (
    <section>
      <h2>{t("Looking back")}</h2>
      <ul class="rows">
        {myself.value.role !== "carer" && (
          <>
            <Lead
              to="came-of"
              icon={<Pictogram name="two" />}
              word={isChild.value ? t("You said, we did") : t("The child said, we did")}
              state={t("What happened, or why not")}
            />
            <Lead
              to="moments"
              icon={<Icon name="days" />}
              word={t("How it was before")}
              state={t("Past agreements and days")}
            />
            <Lead to="take" icon={<Icon name="keep" />} word={t("Get a copy")} state={t("On paper, or as a file")} />
          </>
        )}
        <Lead
          to="story"
          icon={<Icon name="words" />}
          word={t("Everything that was said")}
          state={t("Who said what, and when")}
        />
      </ul>
    </section>
  );
}

function Add() {
  if (!mayChange()) return null;
  return (
    <button type="button" class="main" onClick={() => go("new-goal")}>
      <Icon name="plus" />
      {isChild.value ? t("Something I want") : t("Suggest a goal")}
    </button>
  );
}

/** What the child wants in a few words; where an adult wrote it, under the adult's name. */
export function Told({ at }: { at: Plan }) {
  const voice = at.get("life_project", at.child, "summary").stands;
  const text = <Words text={words(at, "life_project", at.child, "summary")} />;
  return voice === null || isChildsVoice(voice.who) ? text : <Voice who={voice.who}>{text}</Voice>;
}

function Summary() {
  const child = plan.value.child;
  const text = words(plan.value, "life_project", child, "summary");
  if (!text && !isChild.value) return null;
  return (
    <section class="summary">
      {text && <Told at={plan.value} />}
      {isChild.value && (
        <button
          type="button"
          class="quiet words"
          onClick={() => go("edit", { about: { entity: "life_project", id: child, field: "summary" } })}
        >
          <Icon name="words" />
          {text ? t("Change these words") : t("Say in your own words where you want to go")}
        </button>
      )}
    </section>
  );
}

function Beginning() {
  return (
    <>
      <p class="lead">
        {t("Your path starts with what you say. Nothing here has to be finished. You can change everything.")}
      </p>
      <button type="button" class="second" onClick={() => go("houses")}>
        <Pictogram name="housing" />
        {t("Start with three houses")}
      </button>
    </>
  );
}

export function Project() {
  return place.value || isChild.value ? <Open /> : <Children />;
}

/** What is new, where it leads, and whose turn it is. */
export function Overview() {
  const isEmpty = plan.value.all("goal").length === 0 && myself.value.role !== "carer";
  return (
    <>
      <Land />
      <Notices />
      <News />
      <ToAgree />
      <PlanEnding />
      <NewWorker />
      <Summary />
      {isEmpty && isRead.value && <Beginning />}
      <WhoseTurn />
    </>
  );
}

/** The path, the goals, and the ways to all the rest. */
export function Contents() {
  return (
    <>
      <Path />
      {plan.value.all("goal").length > 0 && <Goals />}
      <Add />
      <More />
      <LookingBack />
    </>
  );
}

function Open() {
  const name = frame.value?.child.name ?? place.value?.name;
  return (
    <Page title={isChild.value ? t("My project") : (name ?? t("Project"))} isTop>
      <Overview />
      <Contents />
    </Page>
  );
}

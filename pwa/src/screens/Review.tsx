/** A meeting: before it what there is to talk about, afterwards what became of each goal, and how it was. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Faces } from "../parts/Faces";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { AgendaList } from "../plan/AgendaList";
import { goalsOf } from "../plan/agenda";
import { useDraft } from "../plan/drafts";
import { dayWords, fieldName, isDate, isoDay, reviewName, reviewWhy, valueName } from "../plan/labels";
import { FieldRow, Lead, mayChange, NotFound, Words } from "../plan/parts";
import { Reasons } from "../plan/Reasons";
import { History } from "../plan/History";
import { is, words, type Thing } from "../plan/state";
import { about, back, go } from "../routes";
import { now } from "../store/now";
import { isChild, make, myself, plan, say } from "../store/project";
import { DateField, Options } from "./Edit";
import { reviewWhen } from "./Plan";

/** Short, for the evening before: it works without a network, and nobody has to do any of it. */
function Guide() {
  return (
    <details>
      <summary>{t("Getting ready")}</summary>
      <ul class="guide">
        <li>{t("You can bring a person you trust. You can say who shouldn't be there.")}</li>
        <li>{t("Think of one thing that went well, and one that has to change.")}</li>
        <li>{t("Look at what adults promised. You can ask about each promise.")}</li>
        <li>{t("If you don't understand something, say stop. You can have an interpreter.")}</li>
        <li>{t("You don't have to say yes on the same day.")}</li>
      </ul>
    </details>
  );
}

const BEFORE = ["due_on", "kept_out"];
const AFTER = ["held_on", "how_heard", "kept_out", "outcomes"];

const goalWords = (goal: Thing) =>
  words(plan.value, "goal", goal.id, "child_words") || words(plan.value, "goal", goal.id, "worker_words");

/** Goal by goal: how it is going, as it was said last. */
function Outcomes({ review }: { review: Thing }) {
  return (
    <section>
      <h2>{t("How each goal is going")}</h2>
      <ul class="rows">
        {goalsOf(plan.value).map((goal) => {
          const achievement = words(plan.value, "goal", goal.id, "achievement");
          const state = achievement ? valueName("goal", "achievement", achievement, now.value) : t("Nothing yet");
          if (!mayChange()) {
            return (
              <li key={goal.id} class="row">
                <span class="row-text">
                  <span dir="auto">{goalWords(goal)}</span>
                  <span class="soft">{state}</span>
                </span>
              </li>
            );
          }
          return (
            <Lead
              key={goal.id}
              to="outcome"
              about={{ id: review.id, goal: goal.id }}
              icon={<Icon name="path" />}
              word={<span dir="auto">{goalWords(goal)}</span>}
              state={state}
            />
          );
        })}
      </ul>
    </section>
  );
}

/** The child alone says how it was; nobody can say it in their place. */
function Rating({ review }: { review: Thing }) {
  const rating = plan.value.get("review", review.id, "rating").stands?.value;
  const value = typeof rating === "number" ? rating : null;
  if (!isChild.value) {
    if (value === null) return null;
    return (
      <section>
        <h2>{fieldName("review", "rating")}</h2>
        <p>{valueName("review", "rating", value, now.value)}</p>
      </section>
    );
  }
  return (
    <section>
      <h2 id="rating">{t("How was the meeting for you?")}</h2>
      <Faces labelledBy="rating" value={value} onChoose={(mood) => void say("review", review.id, "rating", mood)} />
      <p class="soft">{t("Only you can say this. You can change it later.")}</p>
    </section>
  );
}

/** The meeting that this one led to. */
const following = (review: Thing) =>
  plan.value.all("review").find((other) => is(other, plan.value, "after_id", review.id));

function Next({ review }: { review: Thing }) {
  const next = following(review);
  const on = words(plan.value, "review", review.id, "next_on");
  if (!on && !mayChange()) return null;
  return (
    <section class="stack">
      <h2>{fieldName("review", "next_on")}</h2>
      {on && <p>{dayWords(on, now.value)}</p>}
      {next ? (
        <button type="button" class="second" onClick={() => go("review", { about: { id: next.id } })}>
          {t("Go to the next meeting")}
          <Icon name="next" />
        </button>
      ) : (
        mayChange() && (
          <button type="button" class="second" onClick={() => go("outcome", { about: { id: review.id, q: "next" } })}>
            <Icon name="days" />
            {t("Choose the next date")}
          </button>
        )
      )}
    </section>
  );
}

export function Review() {
  const id = about.value["id"] ?? "";
  const review = plan.value.one("review", id);
  if (!review) return <NotFound />;
  const kind = words(plan.value, "review", id, "kind");
  const isHeld = words(plan.value, "review", id, "held_on") !== "";
  const why = reviewWhy(kind);
  if (myself.value.role === "carer") {
    return (
      <Page title={reviewName(kind)}>
        <p class="lead a-day">{reviewWhen(review)}</p>
      </Page>
    );
  }
  return (
    <Page title={reviewName(kind)}>
      <p class="lead a-day">{reviewWhen(review)}</p>
      {why && <p>{why}</p>}
      {isHeld && <Rating review={review} />}
      {isHeld && <Outcomes review={review} />}
      <Reasons key={id} review={review} />
      {!isHeld && <Guide />}
      <ul class="rows">
        {(isHeld ? AFTER : BEFORE).map((field) => (
          <FieldRow key={field} entity="review" id={id} field={field} />
        ))}
      </ul>
      {isHeld && <Next review={review} />}
      {!isHeld && mayChange() && (
        <button type="button" class="second" onClick={() => void say("review", id, "held_on", isoDay(now.value))}>
          <Icon name="check" />
          {t("We met today")}
        </button>
      )}
      <AgendaList review={review} />
      <History
        things={[
          {
            entity: "review",
            id,
            fields: ["due_on", "held_on", "how_heard", "kept_out", "outcomes", "rating", "next_on"],
          },
        ]}
      />
    </Page>
  );
}

// --- one goal at a time

type Ground = "reached" | "on_the_way" | "not";

/** What one says first, and what that can mean in particular. */
const GROUNDS: Record<Ground, string[]> = {
  reached: ["achieved", "sustaining"],
  on_the_way: ["in-progress", "improving", "no-change", "worsening"],
  not: ["no-progress", "not-achieved", "not-attainable"],
};

const grounds = (): [Ground, string][] => [
  ["reached", t("Reached")],
  ["on_the_way", t("On the way")],
  ["not", t("Not reached")],
];

const groundOf = (achievement: string) =>
  grounds().find(([ground]) => GROUNDS[ground].includes(achievement))?.[0] ?? null;

const ground = signal<Ground | null>(null);
const achievement = signal("");
const lifecycle = signal("");

function Several({ id, title, options, value, onChoose }: SeveralProps) {
  return (
    <section class="stack">
      <h2 id={id}>{title}</h2>
      <div class="options" role="group" aria-labelledby={id}>
        {options.map(([code, word]) => (
          <button
            key={code}
            type="button"
            class="plain option"
            aria-pressed={value === code}
            onClick={() => onChoose(code)}
          >
            {word}
            {value === code && <Icon name="check" />}
          </button>
        ))}
      </div>
    </section>
  );
}

interface SeveralProps {
  id: string;
  title: string;
  options: [string, string][];
  value: string;
  onChoose(code: string): void;
}

const named = (field: string, codes: string[]): [string, string][] =>
  codes.map((code) => [code, valueName("goal", field, code, now.value)]);

function OfGoal({ goal }: { goal: Thing }) {
  useEffect(() => {
    achievement.value = words(plan.value, "goal", goal.id, "achievement");
    lifecycle.value = words(plan.value, "goal", goal.id, "lifecycle");
    ground.value = groundOf(achievement.value);
  }, []);
  const choose = (code: string) => {
    ground.value = code as Ground;
    // The plainest of them, until a person says it more closely. How it goes on is a question of its own.
    achievement.value = GROUNDS[ground.value][0]!;
    if (code === "reached") lifecycle.value = "completed";
    if (code === "on_the_way") lifecycle.value = "active";
  };
  const keep = async () => {
    for (const [field, value] of [
      ["achievement", achievement.value],
      ["lifecycle", lifecycle.value],
    ] as const) {
      if (value && value !== words(plan.value, "goal", goal.id, field)) await say("goal", goal.id, field, value);
    }
    back();
  };
  return (
    <Page title={t("How did it go?")}>
      <Words text={goalWords(goal)} />
      <Options options={grounds()} value={ground.value ?? ""} onChoose={choose} />
      {ground.value && (
        <>
          <Several
            id="closely"
            title={t("Which fits best?")}
            options={named("achievement", GROUNDS[ground.value])}
            value={achievement.value}
            onChoose={(code) => (achievement.value = code)}
          />
          <Several
            id="on"
            title={t("What happens next?")}
            options={named("lifecycle", ["active", "on-hold", "completed", "cancelled"])}
            value={lifecycle.value}
            onChoose={(code) => (lifecycle.value = code)}
          />
        </>
      )}
      <button type="button" class="main" disabled={ground.value === null} onClick={() => void keep()}>
        {t("Save")}
      </button>
    </Page>
  );
}

/** The next day makes the next meeting: what is only written down in the old one, nobody is reminded of. */
function ChooseNext({ review }: { review: Thing }) {
  const draft = useDraft(`next ${review.id}`, () => ({ value: "", base: null }));
  const keep = async () => {
    const on = draft.value;
    draft.drop();
    await say("review", review.id, "next_on", on);
    if (!following(review)) await make("review", { kind: "routine", due_on: on, after_id: review.id });
    back();
  };
  return (
    <Page title={t("When is the next meeting?")}>
      <p>{t("Where reminders are on, they come three days before, or the next morning.")}</p>
      <DateField value={draft.value} onInput={draft.set} />
      <button type="button" class="main" disabled={!isDate(draft.value)} onClick={() => void keep()}>
        {t("Save")}
      </button>
    </Page>
  );
}

export function Outcome() {
  const review = plan.value.one("review", about.value["id"] ?? "");
  const goal = plan.value.one("goal", about.value["goal"] ?? "");
  if (!mayChange() || !review) return <NotFound />;
  if (about.value["q"] === "next") return <ChooseNext review={review} />;
  return goal ? <OfGoal key={goal.id} goal={goal} /> : <NotFound />;
}

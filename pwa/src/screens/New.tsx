/** A new goal, a new step: one question on each screen, and "later" is an answer to most of them. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { uuid } from "../bytes";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { dropDraft, useDraft } from "../plan/drafts";
import { AREAS, areaName, asked as asked_, called, isoDay, ofDay, reviewName, roleName } from "../plan/labels";
import { Mark, NotFound, ownVoice } from "../plan/parts";
import { wordsToBeginWith } from "../plan/reasonWords";
import { is } from "../plan/state";
import { about, backBy, go, type Place } from "../routes";
import { ideas, load, type Idea, type IdeaStep } from "../store/ideas";
import { now } from "../store/now";
import { frame, isChild, make, myself, place, plan } from "../store/project";
import { DateField, Options, people, Writing } from "./Edit";

type Answers = Record<string, string>;

/** Words that are offered, and the idea that they begin where there is more to it. */
interface Offered {
  words: string;
  idea?: Idea;
}

interface Question {
  name: string;
  title: string;
  why: string;
  kind: "area" | "words" | "date" | "who" | "often" | "steps" | "cause";
  isOpen: boolean;
  offered?: Offered[];
}

interface AskingProps {
  screen: Place;
  /** Under what the answers are kept until the last one. */
  key_: string;
  /** What is answered already. */
  start?: Answers;
  /** What is asked may hang on what was answered so far. */
  questions(answers: Answers): Question[];
  made(answers: Answers, asked: number): Promise<void>;
}

const answersOf = (text: string): Answers => {
  try {
    return JSON.parse(text) as Answers;
  } catch {
    return {};
  }
};

function AreaChoice({ value, onChoose }: { value: string; onChoose(kind: string): void }) {
  return (
    <div class="areas" role="group" aria-labelledby="title">
      {AREAS.map((kind) => (
        <button key={kind} type="button" class="area" aria-pressed={value === kind} onClick={() => onChoose(kind)}>
          <Pictogram name={kind} />
          <span>{areaName(kind)}</span>
        </button>
      ))}
    </div>
  );
}

/** More than these at once would be a catalogue, and a catalogue is no question any more. */
const MOST_AT_ONCE = 4;

interface IdeasProps {
  offered: Offered[];
  value: string;
  onTake(offer: Offered | null): void;
  isAll: boolean;
  onAll(): void;
}

/** Offered below the question and never instead of it; away as soon as a person writes words of their own. */
function Ideas({ offered, value, onTake, isAll, onAll }: IdeasProps) {
  const isOwn = value.trim() !== "" && !offered.some(({ words }) => words === value);
  if (offered.length === 0 || isOwn) return null;
  const shown = isAll ? offered : offered.slice(0, MOST_AT_ONCE);
  return (
    <section class="ideas" aria-labelledby="ideas">
      <h2 id="ideas">{t("Ideas")}</h2>
      <p class="soft">{t("Choose one and change it, or write your own.")}</p>
      <div class="ideas-list">
        {shown.map((offer) => (
          <button
            key={offer.idea?.id ?? offer.words}
            type="button"
            class="idea"
            aria-pressed={offer.words === value}
            onClick={() => onTake(offer.words === value ? null : offer)}
          >
            <span dir="auto">{offer.words}</span>
            <span class="idea-mark">{offer.words === value && <Icon name="check" />}</span>
          </button>
        ))}
      </div>
      {shown.length < offered.length && (
        <button type="button" class="second" onClick={onAll}>
          {t("More ideas")}
        </button>
      )}
    </section>
  );
}

const ideaOf = (answers: Answers): Idea | null => {
  const idea = answers["idea"] ? (answersOf(answers["idea"]) as unknown as Idea) : null;
  // Another area was chosen since: then it is another goal, too.
  return idea?.kind === answers["kind"] ? idea : null;
};

/** The person in a role: nobody where there is none, or where there are several to choose from. */
function ownerOf(role: string | null): { id: string; role: string } | null {
  if (role === null) return null;
  if (role === myself.value.role) return myself.value;
  if (role === "child") return { id: place.value?.child ?? "", role };
  const all = (frame.value?.people ?? []).filter((person) => person.role === role);
  return all.length === 1 ? all[0]! : null;
}

function dueOn({ days }: IdeaStep): string | null {
  if (days === null) return null;
  const due = new Date(now.value);
  due.setDate(due.getDate() + days);
  return isoDay(due);
}

/** Who would do it, and by when. Where nobody in particular is meant, what they are. */
function Whose({ step }: { step: IdeaStep }) {
  const owner = ownerOf(step.who);
  const name = owner ? called(owner) : step.who ? roleName(step.who) : "";
  const due = dueOn(step);
  if (!name && !due) return null;
  return (
    <span class="soft">
      {/* A name may run the other way than the day beside it. */}
      {name && <bdi>{name}</bdi>}
      {name && due && " · "}
      {due &&
        ofDay(
          due,
          now.value,
          (day) => t("due {day}", { day }),
          (date) => t("due on {date}", { date }),
        )}
    </span>
  );
}

const chosenOf = (text: string) => text.split(",").filter(Boolean).map(Number);

interface StepsProps {
  steps: IdeaStep[];
  value: string;
  onChoose(value: string): void;
}

/** Each step by itself. None is chosen beforehand: a promise has to be meant by the person who makes it. */
function Steps({ steps, value, onChoose }: StepsProps) {
  const chosen = chosenOf(value);
  const turn = (n: number) =>
    onChoose((chosen.includes(n) ? chosen.filter((other) => other !== n) : [...chosen, n].sort()).join(","));
  return (
    <div class="ideas-list" role="group" aria-labelledby="title">
      {steps.map((step, n) => (
        <button key={n} type="button" class="idea of-step" aria-pressed={chosen.includes(n)} onClick={() => turn(n)}>
          <Mark isChild={step.who === "child"} />
          <span class="row-text">
            <span dir="auto">{step.text}</span>
            <Whose step={step} />
          </span>
          <span class="idea-mark">{chosen.includes(n) && <Icon name="check" />}</span>
        </button>
      ))}
    </div>
  );
}

function Asking({ screen, key_, start = {}, questions, made }: AskingProps) {
  const draft = useDraft(key_, () => ({ value: JSON.stringify(start), base: null }));
  const answers = answersOf(draft.value);
  const asked = questions(answers);
  const number = Math.min(Number(about.value["q"] ?? 0), asked.length - 1);
  const { name, title, why, kind, isOpen, offered = [] } = asked[number]!;
  const value = answers[name] ?? { often: "none", cause: "planned" }[kind as string] ?? "";
  const answer = (next: Answers) => draft.set(JSON.stringify({ ...answers, ...next }));
  // An emptied page drops the idea that filled it.
  const set = (next: string) => answer({ [name]: next, ...(name === "words" && !next.trim() ? { idea: "" } : {}) });
  const take = (choice: Offered | null) =>
    answer({
      [name]: choice?.words ?? "",
      ...(name === "words" ? { idea: JSON.stringify(choice?.idea ?? {}), steps: "" } : {}),
    });
  const isLast = number === asked.length - 1;
  const isMaking = useRef(false);
  const on = async (last: Answers) => {
    // A day that was taken away again takes the question with it that hangs on it.
    if (number < questions(last).length - 1) return go(screen, { about: { ...about.value, q: String(number + 1) } });
    // A second tap while the first is at work makes nothing twice.
    if (isMaking.current) return;
    isMaking.current = true;
    await made(last, questions(last).length).finally(() => (isMaking.current = false));
    draft.drop();
  };
  const skip = async () => {
    set("");
    await on({ ...answers, [name]: "" });
  };
  const marks = people();
  const steps = kind === "steps" ? (ideaOf(answers)?.steps ?? []) : [];
  return (
    <Page title={title}>
      {why && <p>{why}</p>}
      {kind === "area" && <AreaChoice value={value} onChoose={set} />}
      {kind === "who" && <Options {...marks} value={value} onChoose={set} />}
      {kind === "words" && (
        <Writing id="words" value={value} onInput={set} labelledBy="title" rows={offered.length > 0 ? 3 : 5} />
      )}
      {kind === "date" && <DateField value={value} onInput={set} />}
      {kind === "often" && <Options options={asked_("step", "repeats")?.options ?? []} value={value} onChoose={set} />}
      {kind === "cause" && <Options options={CAUSES.map(named)} value={value} onChoose={set} />}
      {kind === "steps" && <Steps steps={steps} value={value} onChoose={set} />}
      <button type="button" class="main" disabled={kind !== "steps" && !value.trim()} onClick={() => void on(answers)}>
        {kind === "steps" && !value ? t("Save without steps") : isLast ? t("Save") : t("Next")}
      </button>
      {isOpen && (
        <button type="button" class="second" onClick={() => void skip()}>
          {t("I don't know yet")}
        </button>
      )}
      {kind === "words" && (
        <Ideas
          offered={offered}
          value={value}
          onTake={take}
          isAll={answers["all"] === "yes"}
          onAll={() => answer({ all: "yes" })}
        />
      )}
    </Page>
  );
}

/** What an idea says to one question, where it says anything. */
const offer = (words: string | null | undefined): Offered[] => (words ? [{ words }] : []);

function aboutGoal(idea: Idea | null, offered: Idea[]): Question[] {
  const mine = isChild.value;
  const asked: Question[] = [
    {
      name: "kind",
      title: t("What is it about?"),
      why: "",
      kind: "area",
      isOpen: false,
    },
    {
      name: "words",
      title: mine ? t("What do you want?") : t("What do you suggest?"),
      why: t("The words stay exactly as you write them."),
      kind: "words",
      isOpen: false,
      offered: offered.map((idea) => ({ words: idea.words, idea })),
    },
    {
      name: "why",
      title: mine ? t("Why does it matter to you?") : t("Why does it matter?"),
      why: "",
      kind: "words",
      isOpen: true,
      offered: offer(idea?.why),
    },
    {
      name: "sign",
      title: t("How will you know that it worked?"),
      why: "",
      kind: "words",
      isOpen: true,
      offered: offer(idea?.success_sign),
    },
    {
      name: "on",
      title: t("By when?"),
      why: t("A day you both aim for. You can change it."),
      kind: "date",
      isOpen: true,
    },
  ];
  if (idea?.steps?.length) {
    asked.push({
      name: "steps",
      title: t("Which steps would help?"),
      why: t("Tap the steps you want. A step for another person is only a suggestion to them."),
      kind: "steps",
      isOpen: false,
    });
  }
  return asked;
}

async function makeGoal(answers: Answers, reason?: string): Promise<void> {
  const kind = answers["kind"] || "own";
  const existing = plan.value.all("area").find((area) => is(area, plan.value, "kind", kind));
  const area = existing?.id ?? (await make("area", { kind }));
  const value: Record<string, unknown> = { area_id: area, [ownVoice()]: answers["words"]?.trim() };
  if (answers["why"]?.trim()) value["why"] = answers["why"].trim();
  if (answers["sign"]?.trim()) value["success_sign"] = answers["sign"].trim();
  if (answers["on"]) value["target_on"] = answers["on"];
  value["lifecycle"] = "proposed";
  if (reason) value["reason_id"] = reason;
  const goal = await make("goal", value, uuid());
  const steps = ideaOf(answers)?.steps ?? [];
  for (const n of chosenOf(answers["steps"] ?? "")) if (steps[n]) await makeStep(goal, steps[n]);
}

/** An ordinary step: that it was an idea once, nobody can tell, and nothing hangs on it. */
async function makeStep(goal: string, step: IdeaStep): Promise<void> {
  const owner = ownerOf(step.who);
  const due = dueOn(step);
  await make("step", {
    goal_id: goal,
    text: step.text,
    status: "open",
    ...(owner ? { owner_id: owner.id } : {}),
    ...(due ? { due_on: due } : {}),
  });
}

export function NewGoal() {
  useEffect(() => void load(), []);
  // What came meanwhile moves nothing under the finger: it is there with the next goal.
  const shown = useMemo(() => ({ ideas: null as Idea[] | null }), []);
  const offeredIn = (kind: string | undefined) => {
    if (about.value["q"] && shown.ideas === null) shown.ideas = ideas.value;
    return (shown.ideas ?? ideas.value).filter((idea) => idea.kind === kind);
  };
  // What began with a reason has pages of its own: what was typed for another goal stays for that one.
  const reason = about.value["reason"];
  return (
    <Asking
      screen="new-goal"
      key_={reason ? `new-goal ${reason}` : "new-goal"}
      start={reason ? { words: wordsToBeginWith(reason) } : {}}
      questions={(answers) => aboutGoal(ideaOf(answers), offeredIn(answers["kind"]))}
      made={async (answers, asked) => {
        await makeGoal(answers, reason);
        backBy(asked);
      }}
    />
  );
}

export function NewStep() {
  const goal = about.value["goal"] ?? "";
  if (!plan.value.one("goal", goal)) return <NotFound />;
  const reason = about.value["reason"];
  const key = `new-step ${goal}${reason ? ` ${reason}` : ""}`;
  const questions: Question[] = [
    { name: "who", title: t("Who does it?"), why: t("Adults can make promises too."), kind: "who", isOpen: true },
    { name: "text", title: t("What is the step?"), why: "", kind: "words", isOpen: false },
    { name: "on", title: t("By when?"), why: "", kind: "date", isOpen: true },
  ];
  const often = asked_("step", "repeats")!;
  const again: Question = { name: "repeats", title: often.title, why: often.why, kind: "often", isOpen: false };
  return (
    <Asking
      screen="new-step"
      key_={key}
      start={reason ? { text: wordsToBeginWith(reason) } : {}}
      questions={({ on }) => (on ? [...questions, again] : questions)}
      made={async (answers, asked) => {
        const value: Record<string, unknown> = { goal_id: goal, text: answers["text"]?.trim(), status: "open" };
        if (answers["who"]) value["owner_id"] = answers["who"];
        if (answers["on"]) value["due_on"] = answers["on"];
        if (answers["on"] && answers["repeats"]) value["repeats"] = answers["repeats"];
        if (reason) value["reason_id"] = reason;
        await make("step", value);
        dropDraft(key);
        backBy(asked);
      }}
    />
  );
}

/** The causes that a person names; the server knows the others by itself. */
const CAUSES = ["planned", "decision"];
const named = (cause: string): [string, string] => [cause, reviewName(cause)];

/** Both may ask for a meeting; the day can be changed. An adult who was told of a decision says so. */
export function NewReview() {
  const why = t("A day to look back together.");
  const questions: Question[] = [{ name: "on", title: t("When do you meet?"), why, kind: "date", isOpen: true }];
  if (!isChild.value)
    questions.unshift({ name: "cause", title: t("Why do you meet?"), why: "", kind: "cause", isOpen: false });
  return (
    <Asking
      screen="new-review"
      key_="new-review"
      questions={() => questions}
      made={async (answers, asked) => {
        const kind = answers["cause"] || "planned";
        await make("review", { kind, ...(answers["on"] ? { due_on: answers["on"] } : {}) });
        backBy(asked);
      }}
    />
  );
}

/** After a return: what made the child go, beside the goals. What becomes of it the two decide. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { go } from "../routes";
import { now } from "../store/now";
import { isChild, myself, plan } from "../store/project";
import { isOutOfReach, shared, load, ownTalks, type Reason, type Talk } from "../store/reasons";
import { goalsOf } from "./agenda";
import { dayWords } from "./labels";
import { Lead, mayChange, Voice, Words } from "./parts";
import { cameOf, goalOf, isTaken, reasonWords, talksFor } from "./reasonWords";
import { is, words, type Thing } from "./state";

const goalWords = (id: string) =>
  words(plan.value, "goal", id, "child_words") || words(plan.value, "goal", id, "worker_words");

/** To a step of one of the goals that stand. */
function ToGoal({ reason, name }: { reason: Reason; name: string }) {
  const goals = goalsOf(plan.value);
  if (goals.length === 0) return null;
  return (
    <details>
      <summary aria-describedby={name}>{t("Add to a goal")}</summary>
      <ul class="rows">
        {goals.map(({ id }) => (
          <Lead
            key={id}
            to="new-step"
            about={{ goal: id, reason: reason.id }}
            icon={<Icon name="plus" />}
            word={<span dir="auto">{goalWords(id)}</span>}
          />
        ))}
      </ul>
    </details>
  );
}

function Came({ thing }: { thing: Thing }) {
  const text = thing.entity === "goal" ? goalWords(thing.id) : words(plan.value, "step", thing.id, "text");
  return (
    <Lead
      to={thing.entity === "goal" ? "goal" : "step"}
      about={{ id: thing.id }}
      icon={<Icon name="check" />}
      word={thing.entity === "goal" ? t("This is a goal now") : t("This is a step now")}
      state={<span dir="auto">{text || goalWords(goalOf(plan.value, thing))}</span>}
    />
  );
}

function Row({ reason, talk }: { reason: Reason; talk: Talk }) {
  const came = cameOf(plan.value, reason);
  const text = reasonWords(reason, talk);
  const name = `reason-${reason.id}`;
  return (
    <li class="reason">
      <div id={name}>{reason.kind === "stop" ? <Words text={text} /> : <p class="strong">{text}</p>}</div>
      {came.length > 0 && (
        <ul class="rows">
          {came.map((thing) => (
            <Came key={thing.id} thing={thing} />
          ))}
        </ul>
      )}
      {mayChange() && !isTaken(plan.value, came) && (
        <>
          <button
            type="button"
            class="second"
            aria-describedby={name}
            onClick={() => go("new-goal", { about: { reason: reason.id } })}
          >
            <Icon name="path" />
            {t("Make it a goal")}
          </button>
          <ToGoal reason={reason} name={name} />
        </>
      )}
    </li>
  );
}

function OfTalk({ talk }: { talk: Talk }) {
  const parts: [Reason["kind"], string][] = [
    ["push", t("What made the child leave")],
    ["pull", t("What pulled the child away")],
    ["stop", t("What would have to change for the child to stay")],
  ];
  return (
    <>
      {talk.found_at && (
        <p class="soft">{t("Came back: {day}", { day: dayWords(new Date(talk.found_at), now.value) })}</p>
      )}
      {parts.map(([kind, title]) => {
        const some = talk.each.filter((reason) => reason.kind === kind);
        if (some.length === 0) return null;
        return (
          <section key={kind} class="reasons-of">
            <h3>{title}</h3>
            <ul class="reasons">
              {some.map((reason) => (
                <Row key={reason.id} reason={reason} talk={talk} />
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

/** Once there is a network again they are asked for again. */
function useAsked(): void {
  useEffect(() => {
    const again = () => void load();
    again();
    addEventListener("online", again);
    return () => removeEventListener("online", again);
  }, []);
}

function ToAdults({ review }: { review: Thing }) {
  useAsked();
  const [first, ...earlier] = talksFor(plan.value, review);
  return (
    <section class="field">
      <h2>{t("What the child said after coming back")}</h2>
      {isOutOfReach.value && (
        <p class="soft" role="status">
          {shared.value
            ? t("Last updated on this phone: {day}", { day: dayWords(new Date(shared.value.at), now.value) })
            : t("You need internet for this part.")}
        </p>
      )}
      {first ? (
        <>
          <p>{t("The child lets you use this here. Decide together whether it becomes a goal.")}</p>
          <OfTalk talk={first} />
          {earlier.length > 0 && (
            <details>
              <summary>{t("Earlier returns")}</summary>
              {earlier.map((talk) => (
                <OfTalk key={talk.episode_id} talk={talk} />
              ))}
            </details>
          )}
        </>
      ) : (
        !isOutOfReach.value &&
        shared.value && <p>{t("The child hasn't let you use anything here. Ask them what has to change.")}</p>
      )}
    </section>
  );
}

/** The child's own words, when they want to see them; away again with the screen, and never kept on the phone. */
function ToTheChild() {
  const [talks, setTalks] = useState<Talk[] | null>(null);
  const [isAway, setAway] = useState(false);
  const see = async () => {
    const answer = await ownTalks();
    setAway(answer === null);
    setTalks(answer);
  };
  return (
    <section class="field">
      <h2>{t("What you said after coming back")}</h2>
      <p>
        {t("Adults can't see here why you left, unless you say yes. To change that, tell the person you talked with.")}
      </p>
      <div role="status" class="voices">
        {isAway && <p>{t("That didn't work. Try again when you're online.")}</p>}
        {talks?.length === 0 && <p>{t("Nothing is written down yet.")}</p>}
        {talks?.map((talk) => (
          <Voice
            key={talk.episode_id}
            who={myself.value}
            when={talk.found_at ? dayWords(new Date(talk.found_at), now.value) : ""}
          >
            {talk.own && <Words text={talk.own} />}
            <p>
              {talk.may_be_used ? t("You let adults use your reasons here.") : t("Adults can't see your reasons here.")}
            </p>
          </Voice>
        ))}
      </div>
      {talks ? (
        <button type="button" class="second" onClick={() => setTalks(null)}>
          {t("Close")}
        </button>
      ) : (
        <button type="button" class="second" onClick={() => void see()}>
          {t("See what you said")}
        </button>
      )}
    </section>
  );
}

export function Reasons({ review }: { review: Thing }) {
  if (!is(review, plan.value, "kind", "return")) return null;
  return isChild.value ? <ToTheChild /> : <ToAdults review={review} />;
}

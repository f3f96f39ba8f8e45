/** Being away: asked here, agreed by a worker. Until then nothing changes, and this page says so. */
import { useEffect } from "preact/hooks";
import { moment, t } from "../i18n";
import { Icon, type IconName } from "../parts/Icon";
import { Page } from "../parts/Page";
import { ReadAloud } from "../parts/ReadAloud";
import { AwayForm, emptyDraft } from "../plan/AwayForm";
import { go } from "../routes";
import {
  current,
  draft,
  keepDraft,
  load,
  noteRead,
  outgoing,
  recallDraft,
  takeBack,
  takenBack,
  unsent,
  type Agreed,
  type Asked,
  type Waiting,
} from "../store/away";
import { now } from "../store/now";

/** An answer is shown for so long after its time. */
const WEEK_MS = 7 * 86_400_000;

const at = (when: string) => moment(when, now.value);
const time = ({ from_at: begin, until_at: end }: { from_at: string; until_at: string }) =>
  t("{begin} to {end}", { begin: at(begin), end: at(end) });

interface Shown {
  icon: IconName;
  title: string;
  /** What it is about, in the child's words, and the words of the person who answered. */
  place?: string;
  answer?: string | null;
  lines: string[];
  action?: { word: string; id: string };
  done?: string;
}

function Card({ icon, title, place, answer, lines, action, done }: Shown) {
  return (
    <section class="card">
      <h2>
        <Icon name={icon} />
        {title}
      </h2>
      {place && <p dir="auto">{place}</p>}
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {answer && (
        <p class="said" dir="auto">
          {answer}
        </p>
      )}
      {done && <p class="soft">{done}</p>}
      {action && (
        <button type="button" class="quiet words" onClick={() => void takeBack(action.id)}>
          {action.word}
        </button>
      )}
      <ReadAloud text={[title, place ?? "", ...lines, answer ?? ""].filter(Boolean).join(". ")} />
    </section>
  );
}

const notAgreed = () => t("This isn't agreed yet. Keep checking in as before.");
const later = () => t("It will be sent when this app is open and online.");

/** It has not left this phone, as far as the phone knows. */
function Here({ waits }: { waits: Waiting }) {
  if (waits.problem) {
    return (
      <button type="button" class="plain" onClick={() => go("unsent")}>
        {t("We couldn't send it. See why.")}
      </button>
    );
  }
  const action = { word: t("Take back"), id: waits.id };
  const lines = [time(waits.body), later(), notAgreed()];
  return <Card icon="outbox" title={t("Not sent yet")} place={waits.body.place} lines={lines} action={action} />;
}

function Waits({ asked }: { asked: Asked }) {
  const isBack = takenBack.value.has(asked.id);
  return (
    <Card
      icon="clock"
      title={t("No answer yet")}
      place={asked.place}
      lines={[time(asked), notAgreed()]}
      {...(isBack
        ? { done: t("You took your request back. That will be sent when this app is open and online.") }
        : { action: { word: t("Take back"), id: asked.id } })}
    />
  );
}

function agreedLines({ by, next_due_at: due }: Agreed): string[] {
  const lines = by ? [t("Agreed with {name}.", { name: by })] : [];
  return due ? [...lines, t("Next check-in: {when}", { when: at(due) })] : lines;
}

function IsAway({ agreed, asked }: { agreed: Agreed; asked: Asked | undefined }) {
  const hasBegun = agreed.from_at <= now.value.toISOString();
  const title = hasBegun ? t("Away until {when}", { when: at(agreed.until_at) }) : time(agreed);
  const word = hasBegun ? t("I'm back") : t("I'm not going");
  const isBack = takenBack.value.has(agreed.id);
  return (
    <Card
      icon="check"
      title={title}
      {...(asked ? { place: asked.place, answer: asked.answer } : {})}
      lines={agreedLines(agreed)}
      {...(isBack ? { done: later() } : asked ? { action: { word, id: agreed.id } } : {})}
    />
  );
}

/** A worker ended it before its time. */
const endedEarly = ({ state, agreed }: Asked) => state === "over" && !!agreed?.ended_at;

/** What came of the last one, where it is not agreed for now or later. */
function Last({ asked }: { asked: Asked }) {
  const goOn = t("Keep checking in as before.");
  const name = asked.decided_by ?? "";
  if (asked.state === "declined") {
    const lines = [time(asked), t("{name} answered ({when}).", { name, when: at(asked.decided_at!) }), goOn];
    return <Card icon="info" title={t("Not this time")} place={asked.place} answer={asked.answer} lines={lines} />;
  }
  if (asked.state === "passed") {
    const lines = [time(asked), t("Your check-ins went on.")];
    return <Card icon="info" title={t("No one answered in time")} place={asked.place} lines={lines} />;
  }
  if (endedEarly(asked)) {
    return <Card icon="info" title={t("This ended early")} place={asked.place} lines={[time(asked.agreed!), goOn]} />;
  }
  const due = asked.agreed?.next_due_at;
  const lines = due ? [t("Next check-in: {when}", { when: at(due) })] : [goOn];
  return <Card icon="check" title={t("Thank you for telling us.")} lines={lines} />;
}

const isLast = (asked: Asked) =>
  (["declined", "passed", "back"].includes(asked.state) || endedEarly(asked)) &&
  Date.parse(asked.until_at) + WEEK_MS > now.value.getTime();

function States() {
  const known = current.value;
  const here = unsent.value;
  const isHere = new Set(here.map(({ id }) => id));
  const requests = (known?.requests ?? []).filter(({ id }) => !isHere.has(id));
  const of = new Map(requests.map((asked) => [asked.id, asked]));
  // Back, as the child says: an absence that still runs to its end is shown by what comes next.
  const agreed = (known?.agreed ?? []).filter(
    ({ id, until_at: until }) => of.get(id)?.state !== "back" && until > now.value.toISOString(),
  );
  const last = requests[0];
  return (
    <>
      {here.map((waits) => (
        <Here key={waits.id} waits={waits} />
      ))}
      {agreed.map((each) => (
        <IsAway key={each.id} agreed={each} asked={of.get(each.id)} />
      ))}
      {requests
        .filter(({ state }) => state === "waiting")
        .map((asked) => (
          <Waits key={asked.id} asked={asked} />
        ))}
      {last && here.length === 0 && isLast(last) && <Last asked={last} />}
    </>
  );
}

export function Away() {
  useEffect(() => void recallDraft(), []);
  useEffect(() => void load().then(noteRead), [outgoing.value]);
  const here = draft.value;
  const intro = t("Your caseworker decides if you can be away. Until they say yes, keep checking in.");
  return (
    <Page title={t("I'll be away")}>
      <States />
      {!here && (
        <>
          <p>{intro}</p>
          <button type="button" class="second" onClick={() => keepDraft(emptyDraft())}>
            <Icon name="plus" />
            {t("Ask to be away")}
          </button>
          <ReadAloud text={intro} />
        </>
      )}
      {here && <AwayForm here={here} />}
    </Page>
  );
}

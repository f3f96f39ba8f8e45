/** A question about an entry of the record: writing it, and all that were asked, with their answers. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listed, moment, t } from "../i18n";
import { Answered, namesOf, Unsent } from "../parts/Asked";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { back, go } from "../routes";
import { hasAnswer, sawAnswers } from "../store/answers";
import { now } from "../store/now";
import { askNow, change, drafted, known, load, recall, waiting, type Question, type To } from "../store/questions";
import { setEditing } from "../update";

const LONGEST = 2_000;

function whoIs(to: To): string {
  const role = to === "caseworker" ? t("Caseworker") : t("Supervisor");
  const names = namesOf(to);
  return names.length > 0 ? t("{names} ({role})", { names: listed(names), role }) : role;
}

function whoReads(to: To): string {
  return to === "supervisor"
    ? t("Your caseworker can't see this question.")
    : t("Your caseworker and the supervisor can read it.");
}

/** Both are offered alike: the entry may be about the caseworker. */
function Recipient({ to }: { to: To }) {
  const options: To[] = ["caseworker", "supervisor"];
  return (
    <div class="field" role="group" aria-labelledby="recipient">
      <p id="recipient" class="strong">
        {t("Who do you want to ask?")}
      </p>
      {options.map((option) => (
        <button
          key={option}
          type="button"
          class="plain recipient"
          aria-pressed={to === option}
          onClick={() => change({ to: option })}
        >
          <bdi>{whoIs(option)}</bdi>
          {to === option && <Icon name="check" />}
        </button>
      ))}
      <p class="soft">{whoReads(to)}</p>
    </div>
  );
}

export function AskAbout() {
  const isRead = useSignal(drafted.value !== null);
  useEffect(() => {
    void load();
    void recall().then(() => (isRead.value = true));
    return () => setEditing(isRead, false);
  }, []);
  const draft = drafted.value;
  if (!draft) return <Page title={t("I have a question")}>{isRead.value && <Nothing />}</Page>;
  const send = async (event: Event) => {
    event.preventDefault();
    if (!draft.words.trim()) return;
    await askNow();
    back();
  };
  return (
    <Page title={t("I have a question")}>
      <div class="about">
        <p class="soft">{moment(draft.entry.at, now.value)}</p>
        <p>{draft.entry.shown}</p>
      </div>
      <form class="stack" onSubmit={(event) => void send(event)}>
        <div class="field">
          <label for="question">{t("What do you want to know?")}</label>
          <textarea
            id="question"
            rows={4}
            dir="auto"
            maxLength={LONGEST}
            value={draft.words}
            onInput={(event) => {
              setEditing(isRead, true);
              change({ words: event.currentTarget.value });
            }}
          />
        </div>
        <Recipient to={draft.to} />
        <button type="submit" class="main" disabled={!draft.words.trim()}>
          {t("Send")}
        </button>
      </form>
    </Page>
  );
}

function Nothing() {
  return (
    <>
      <p>{t("Choose an entry first: under Who looked, What happened or My days.")}</p>
      <button type="button" class="second" onClick={() => go("more", { instead: true })}>
        {t("More")}
      </button>
    </>
  );
}

function Row({ question }: { question: Question }) {
  return (
    <li class="entry">
      <div>
        <p>{question.about.shown}</p>
        <p class="soft">{moment(question.about.at, now.value)}</p>
        <Answered question={question} />
      </div>
    </li>
  );
}

export function MyQuestions() {
  useEffect(() => void load().then(sawAnswers), [hasAnswer.value]);
  const list = known.value?.questions;
  const unsent = waiting.value;
  return (
    <Page title={t("My questions")}>
      <p>{t("What you asked about things written here, and the answers.")}</p>
      {!list && <p>{t("You need internet to see this list.")}</p>}
      {list?.length === 0 && unsent.length === 0 && (
        <p>{t("Nothing here yet. You can ask about each entry under Who looked, What happened and My days.")}</p>
      )}
      <ul class="entries">
        {unsent.map((question) => (
          <li class="entry" key={question.id}>
            <div>
              <p>{question.body.about.shown}</p>
              <Unsent question={question} />
            </div>
          </li>
        ))}
        {list?.map((question) => (
          <Row key={question.id} question={question} />
        ))}
      </ul>
    </Page>
  );
}

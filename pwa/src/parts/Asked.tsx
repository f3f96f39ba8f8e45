/** What was asked about an entry, and the answer, beside it; and the way to ask. */
import { dayName, listed, longDay, moment, t } from "../i18n";
import { now } from "../store/now";
import {
  askedAbout,
  begin,
  known,
  unsentAbout,
  type Entry,
  type Question,
  type To,
  type Waiting,
} from "../store/questions";
import { Icon } from "./Icon";

/** A day is over at its midnight, which is another day to the reader. */
const STILL_THAT_DAY_MS = 60_000;

export const namesOf = (to: To) => known.value?.to.find((each) => each.to === to)?.names ?? [];

/** "Due tomorrow" and "due on 6 March" are two sentences. */
function wasDue(due: Date): string {
  const day = dayName(due, now.value);
  return day !== longDay(due)
    ? t("No answer yet. It was due {day}.", { day })
    : t("No answer yet. It was due on {date}.", { date: longDay(due) });
}

function Awaited({ question }: { question: Question }) {
  const due = new Date(Date.parse(question.answer_by) - STILL_THAT_DAY_MS);
  if (Date.parse(question.answer_by) <= now.value.getTime()) {
    return (
      <p class="waits">
        <Icon name="clock" />
        {wasDue(due)}
      </p>
    );
  }
  const day = dayName(due, now.value);
  const names = namesOf(question.to);
  return (
    <p class="soft">
      {names.length > 0
        ? t("{names} should answer by {day}.", { names: listed(names), day })
        : t("We should answer by {day}.", { day })}
    </p>
  );
}

export function Answered({ question }: { question: Question }) {
  return (
    <div class="asked">
      <p class="soft">{t("You asked: {when}", { when: moment(question.asked_at, now.value) })}</p>
      <p class="said" dir="auto">
        {question.words}
      </p>
      {question.answer === null ? (
        <Awaited question={question} />
      ) : (
        <>
          <p class="soft">
            {t("{name} answered: {when}", {
              name: question.answered_by ?? t("An adult"),
              when: moment(question.answered_at ?? question.asked_at, now.value),
            })}
          </p>
          <p class="said of-adult" dir="auto">
            {question.answer}
          </p>
        </>
      )}
    </div>
  );
}

/** A question that is still on this phone; one that was not taken says why, and where its words are. */
export function Unsent({ question: { body, sentence, isSent } }: { question: Waiting }) {
  return (
    <div class="asked">
      <p class="said" dir="auto">
        {body.words}
      </p>
      {isSent ? (
        <p class="soft">{t("We received your question.")}</p>
      ) : (
        <p class="waits">
          <Icon name="phone" />
          {sentence ?? t("Saved on this phone. Not sent yet.")}
        </p>
      )}
    </div>
  );
}

interface Props {
  entry: Entry;
  /** True where the entry is about a caseworker of the child: then another person is offered first. */
  isAboutCaseworker?: boolean;
}

export function Asked({ entry, isAboutCaseworker = false }: Props) {
  const sent = askedAbout(entry);
  const unsent = unsentAbout(entry);
  return (
    <>
      {sent.map((question) => (
        <Answered key={question.id} question={question} />
      ))}
      {unsent.map((question) => (
        <Unsent key={question.id} question={question} />
      ))}
      <button type="button" class="quiet ask" onClick={() => void begin(entry, isAboutCaseworker)}>
        <Icon name="question" />
        {sent.length + unsent.length > 0 ? t("Ask again") : t("I have a question")}
      </button>
    </>
  );
}

/** A thread between the child and those who work with them. Who can read it is said before anything is sent. */
import { useEffect, useRef } from "preact/hooks";
import { clockTime, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Notices } from "../parts/Notices";
import { Page } from "../parts/Page";
import { ReadBy } from "../parts/ReadBy";
import { whereabouts as whereTheWishIs } from "../parts/Thanks";
import { useDraft } from "../plan/drafts";
import { called, dayWords, listed, roleName } from "../plan/labels";
import { Mark, mayTalk } from "../plan/parts";
import { words, type Thing } from "../plan/state";
import { NewWorker } from "../plan/NewWorker";
import { about, isInDesk } from "../routes";
import { now } from "../store/now";
import { frame, isChild, isRead, make, myself, plan, there } from "../store/project";
import { readersOf, show } from "../store/reads";
import { tap } from "../store/sender";

/** The thread is between these and the child; a guardian has ways of their own. */
const READERS = ["caseworker", "supervisor"];

function readers(): string {
  const others = there.value.filter(({ id, role }) => READERS.includes(role) && id !== myself.value.id);
  const names = others.map((person) => `${person.name} (${roleName(person.role)})`);
  if (!isChild.value) names.unshift(frame.value?.child.name ?? roleName("child"));
  return names.length > 0 ? listed(names) : "";
}

function whereabouts(message: Thing): string {
  if (message.waits) return isInDesk ? t("Saved on this device.") : t("Saved on this phone.");
  return t("Received {time}.", { time: clockTime(message.made_at) });
}

/** Who read it before there was an answer: an answer says it already. */
function readBefore(message: Thing) {
  const answers = plan.value
    .all("message")
    .filter(({ by, made_at }) => by.role !== "child" && made_at > message.made_at)
    .map(({ made_at }) => Date.parse(made_at));
  return readersOf(message.id).filter(({ at }) => !answers.some((answered) => answered < Date.parse(at)));
}

function Bubble({ message }: { message: Thing }) {
  const mine = message.by.id === myself.value.id;
  const child = message.by.role === "child";
  return (
    <li class={child ? "voice of-child" : "voice"}>
      <p class="voice-name">
        <Mark isChild={child} />
        <bdi>{called(message.by)}</bdi>
      </p>
      <p class="own-words" dir="auto">
        {words(plan.value, "message", message.id, "text")}
      </p>
      <p class={message.waits ? "waits" : "soft"}>
        {message.waits && <Icon name="phone" />}
        {mine ? whereabouts(message) : clockTime(message.made_at)}
      </p>
      {mine && isChild.value && !message.waits && <ReadBy by={readBefore(message)} said={message.made_at} />}
    </li>
  );
}

/** Messages stand under the day on which they came; the latest last. */
function byDay(messages: Thing[]): [string, Thing[]][] {
  const groups = new Map<string, Thing[]>();
  for (const message of messages) {
    const name = dayWords(new Date(message.made_at), now.value);
    groups.set(name, [...(groups.get(name) ?? []), message]);
  }
  return [...groups];
}

export function Talk() {
  if (mayTalk()) return <Thread />;
  return (
    <Page title={t("Messages")} isTop>
      <p>{t("This chat is between the child and the caseworker.")}</p>
    </Page>
  );
}

/** A child who comes here from Today sees that the wish to talk is known, and where it is. */
function Wish() {
  if (tap.value?.want !== "talk") return null;
  const isThere = tap.value.stage === "received";
  return (
    <p class={isThere ? "wish received" : "wish"} role="status">
      <Icon name={isThere ? "received" : "phone"} />
      <span>{whereTheWishIs(tap.value)}</span>
    </p>
  );
}

function Thread() {
  const end = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const isBeginning = about.value["begin"] !== undefined;
  const draft = useDraft("message", () => ({ value: "", base: null }));
  const messages = plan.value.all("message");
  // One's own words come into sight; what others say meanwhile moves nothing.
  const mine = messages.filter(({ by }) => by.id === myself.value.id).length;
  useEffect(() => end.current?.scrollIntoView({ block: "end" }), [mine, isRead.value]);
  // The heading takes the focus when a screen arrives; who came to write finds the cursor in the box.
  useEffect(() => {
    if (isBeginning) requestAnimationFrame(() => box.current?.focus({ preventScroll: true }));
  }, []);
  const ofChild = messages.filter(({ by }) => by.role === "child").length;
  useEffect(() => {
    void show();
    const again = () => void show();
    document.addEventListener("visibilitychange", again);
    return () => document.removeEventListener("visibilitychange", again);
  }, [ofChild, isRead.value]);
  const send = async () => {
    const text = draft.value.trim();
    if (!text) return;
    draft.drop();
    await make("message", { text });
  };
  const names = readers();
  return (
    <Page title={t("Messages")} isTop>
      <Notices />
      <NewWorker />
      {messages.length === 0 && (
        <p class="lead">{t("You can write to each other here. An answer may take a while. Nobody is forgotten.")}</p>
      )}
      {byDay(messages).map(([name, list]) => (
        <section key={name}>
          <h2>{name}</h2>
          <ul class="thread">
            {list.map((message) => (
              <Bubble key={message.id} message={message} />
            ))}
          </ul>
        </section>
      ))}
      <div class="composer" ref={end}>
        <Wish />
        <label for="message" id="message-label">
          {t("Your message")}
        </label>
        <p class="soft" id="readers">
          {names ? t("Who can read it: {names}", { names }) : t("Your caseworker and the supervisor can read it.")}
        </p>
        <textarea
          id="message"
          ref={box}
          rows={3}
          dir="auto"
          maxLength={20_000}
          value={draft.value}
          aria-describedby="readers"
          onInput={(event) => draft.set(event.currentTarget.value)}
        />
        <button type="button" class="main" disabled={!draft.value.trim()} onClick={() => void send()}>
          {t("Send")}
        </button>
      </div>
    </Page>
  );
}

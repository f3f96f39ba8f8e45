/** A thread between the child and those who work with them. Who can read it is said before anything is sent. */
import { useEffect, useRef } from "preact/hooks";
import { clockTime, direction, listed, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Notices } from "../parts/Notices";
import { Page } from "../parts/Page";
import { ReadBy } from "../parts/ReadBy";
import { whereabouts as whereTheWishIs } from "../parts/Thanks";
import { draftOf, recall, useDraft } from "../plan/drafts";
import { called, dayWords, roleName } from "../plan/labels";
import { Mark, mayTalk } from "../plan/parts";
import { advocateOf, codeOf, laneOf, lanes, lastOf, THREAD, UNCHOSEN, usual, type Lane } from "../plan/lanes";
import { words, type Person, type Thing } from "../plan/state";
import { NewWorker } from "../plan/NewWorker";
import { about, isInDesk } from "../routes";
import { now } from "../store/now";
import { frame, isChild, isRead, make, myself, nameOf, plan, there } from "../store/project";
import { readersOf, show } from "../store/reads";
import { tap } from "../store/sender";
import { isEditing } from "../update";
import { Options } from "./Edit";

/** The thread is between these and the child; a guardian has ways of their own. */
const READERS = ["caseworker", "supervisor"];

/** In Arabic, a name in Latin letters would turn the whole line around. */
const apart = (name: string) => (direction.value === "rtl" ? `\u2068${name}\u2069` : name);

/** Who reads it besides the writer, by name and role. */
function readers({ advocate, isAlone }: Lane): string {
  const reads = ({ id, role }: Person) => id === advocate || (!isAlone && READERS.includes(role));
  const others = there.value.filter((person) => reads(person) && person.id !== myself.value.id);
  const names = others.map((person) =>
    t("{names} ({role})", { names: apart(person.name), role: roleName(person.role) }),
  );
  if (!isChild.value) names.unshift(apart(frame.value?.child.name ?? roleName("child")));
  return names.length > 0 ? listed(names) : "";
}

/** One chooses only where an advocate is there: what nobody else reads is never chosen by accident. */
function To({ value, onChoose }: { value: string; onChoose(code: string): void }) {
  const all = lanes();
  if (all.length < 2 && codeOf(all[0] ?? THREAD) === value) return null;
  const options = all.map((lane): [string, string] => [
    codeOf(lane),
    lane.isAlone
      ? t("Only {names}", { names: readers(lane) })
      : readers(lane) || t("Your caseworker and the supervisor"),
  ]);
  return (
    <>
      <p id="title" class="strong">
        {t("Who is it for?")}
      </p>
      <Options options={options} value={value} onChoose={onChoose} />
    </>
  );
}

/** What was the last message, where that is why nothing is marked. */
function whyUnchosen(): string {
  const last = lastOf(plan.value, myself.value.id);
  const alone = last && laneOf(plan.value, last);
  if (!alone || alone === myself.value.id) return t("Choose who it is for.");
  const name = nameOf(alone) ?? roleName("advocate");
  return t("Your last message was only for {name}. Choose who this one is for.", { name });
}

/** Under a message: who else reads it than the thread does. */
function Readers({ message }: { message: Thing }) {
  const advocate = advocateOf(plan.value, message);
  if (!advocate) return null;
  const name = nameOf(advocate) ?? roleName("advocate");
  const isMe = advocate === myself.value.id;
  if (laneOf(plan.value, message)) {
    const other = isMe ? (frame.value?.child.name ?? roleName("child")) : name;
    return <p class="soft">{t("Only you and {name} can read this.", { name: other })}</p>;
  }
  return isMe ? (
    <p class="soft">{t("The caseworker and the supervisor can read this too.")}</p>
  ) : (
    <p class="soft">{t("{name} can read this too.", { name })}</p>
  );
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
    .filter((answer) => laneOf(plan.value, answer) === laneOf(plan.value, message))
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
      <Readers message={message} />
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

/** Who a screen before this one named: an advocate alone, or the thread; null where it named nobody. */
function askedFor(): string | null {
  const { advocate, thread } = about.value;
  if (advocate) return codeOf({ advocate, isAlone: true });
  return thread ? codeOf(THREAD) : null;
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
  const all = lanes();
  const asked = askedFor();
  const to = useDraft("message to", () => ({ value: UNCHOSEN, base: null }));
  const code = draftOf("message to")?.value ?? usual(plan.value, all, myself.value.id);
  const aim = () => {
    const isWritten = Boolean(draftOf("message")?.value.trim());
    // A lane is chosen for the words in the box. Without words, it would stay for days, unseen.
    if (asked === null) return isWritten || isEditing.peek() || to.drop();
    // Words that were typed for others do not go to the person that a screen names.
    to.set(isWritten && draftOf("message to")?.value !== asked ? UNCHOSEN : asked);
  };
  useEffect(() => {
    let isHere = true;
    void recall().then(() => isHere && aim());
    return () => void (isHere = false);
  }, []);
  // A lane whose advocate has gone is no lane any more: then one chooses again, and nothing goes elsewhere by itself.
  const lane = all.find((each) => codeOf(each) === code);
  const type = (text: string) => {
    // For these words it stays what is before the writer's eyes now, whatever arrives.
    if (!draftOf("message to")) to.set(code);
    draft.set(text);
  };
  const send = async () => {
    const text = draft.value.trim();
    if (!text || !lane) return;
    draft.drop();
    to.drop();
    // One goes on writing to the person that a screen named, unless one has chosen others since.
    if (code === asked) to.set(code);
    const { advocate, isAlone } = lane;
    await make("message", advocate ? { text, advocate_id: advocate, is_private: isAlone } : { text });
  };
  const names = lane ? readers(lane) : "";
  return (
    <Page title={t("Messages")} isTop>
      <Notices />
      <NewWorker />
      {messages.length === 0 && (
        <p class="lead">{t("You can write to each other here. An answer may take a while.")}</p>
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
        <To value={code} onChoose={to.set} />
        <label for="message" id="message-label">
          {t("Your message")}
        </label>
        <p class="soft" id="readers">
          {!lane
            ? whyUnchosen()
            : names
              ? t("Who can read it: {names}", { names })
              : t("Your caseworker and the supervisor can read it.")}
        </p>
        <textarea
          id="message"
          ref={box}
          rows={3}
          dir="auto"
          maxLength={20_000}
          value={draft.value}
          aria-describedby="readers"
          onInput={(event) => type(event.currentTarget.value)}
        />
        <button type="button" class="main" disabled={!lane || !draft.value.trim()} onClick={() => void send()}>
          {t("Send")}
        </button>
      </div>
    </Page>
  );
}

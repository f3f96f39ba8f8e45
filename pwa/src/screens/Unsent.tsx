import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { moment, t, tn } from "../i18n";
import { moods } from "../parts/Faces";
import { Page } from "../parts/Page";
import { rowsOfOthers } from "../store/db";
import { now } from "../store/now";
import type { Sending } from "../store/outbox";
import { queue, send, throwAway, tryAgain } from "../store/sender";
import { asksToHandIn, handIn, isShutOut, who } from "../store/session";

const sure = signal<string | null>(null);
const others = signal(0);

function title(sending: Sending): string {
  if (sending.kind === "language") return t("Your choice of language");
  if (sending.kind === "rhythm") return t("Other times, as you proposed them");
  if (sending.kind === "take-back") return t("Taking back what you proposed");
  if (sending.kind === "forgot") return t("I forgot");
  if (sending.kind === "shared") return t("An answer to a question");
  if (sending.kind === "trusted") return t("Ask them first");
  if (sending.kind === "own") return t("If I am missing");
  if (sending.kind === "change") return t("Something for my project");
  const { want, mood } = sending.body;
  if (want === "help") return t("I need help now");
  if (want === "talk") return t("I want to talk");
  if (want === "safe") return t("I am safe, not ready to come back");
  return mood ? t("Check-in: {mood}", { mood: moods()[mood - 1] ?? "" }) : t("Check-in");
}

/** What was said, as far as it is words: enough to know it again, and to copy it. */
function wordsOf(sending: Sending): string {
  if (sending.kind === "check_in") return sending.body.note ?? "";
  if (sending.kind === "language" || sending.kind === "forgot" || sending.kind === "take-back") return "";
  if (sending.kind === "rhythm") return sending.body.words ?? "";
  if (sending.kind === "shared") return sending.body.words;
  if (sending.kind === "trusted") return sending.body.name;
  if (sending.kind === "own") return Object.values(sending.body.fields).join("\n");
  const { value } = sending.body;
  if (typeof value === "string") return value;
  const said = (value ?? {}) as Record<string, unknown>;
  const found = ["text", "child_words", "worker_words", "comment", "value"].map((name) => said[name]);
  return found.find((one): one is string => typeof one === "string" && one !== "") ?? "";
}

function reason({ problem: code, sentence }: Sending): string {
  if (code === "quarantined") return t("It was received. Somebody looks at it before it counts.");
  if (sentence) return sentence;
  if (code === "id_reused") return t("It could not be sent: the server has something else under its number.");
  if (code === "unreadable") return t("It could not be sent: this phone cannot read it any more.");
  return t("It could not be sent: the server did not take it.");
}

function Item({ sending }: { sending: Sending }) {
  const at = sending.kind === "language" ? "" : sending.body.said_at;
  const said = wordsOf(sending);
  return (
    <li class="entry">
      <div>
        <p class="strong">{title(sending)}</p>
        {at && <p class="soft">{moment(at, now.value)}</p>}
        {said && (
          <p class="said" dir="auto">
            {said}
          </p>
        )}
        <p>{sending.problem ? reason(sending) : t("It waits for a connection.")}</p>
        {sending.loose && <p>{t("This phone has no room left. Keep the app open until it is sent.")}</p>}
        <div class="pair-of">
          {sending.problem && sending.problem !== "unreadable" && (
            <button type="button" class="plain" onClick={() => void tryAgain(sending)}>
              {t("Try again")}
            </button>
          )}
          {sending.problem && said && (
            <button type="button" class="plain" onClick={() => void navigator.clipboard?.writeText(said)}>
              {t("Copy the words")}
            </button>
          )}
          {sure.value === sending.id ? (
            <button type="button" class="plain" onClick={() => void throwAway(sending)}>
              {t("Yes, throw it away")}
            </button>
          ) : (
            <button type="button" class="plain" onClick={() => (sure.value = sending.id)}>
              {t("Throw away")}
            </button>
          )}
        </div>
      </div>
    </li>
  );
}

export function Unsent() {
  useEffect(() => void (sure.value = null), []);
  useEffect(() => void (who.value && rowsOfOthers(who.value).then((n) => (others.value = n))), []);
  const list = queue.value;
  return (
    <Page title={t("Not sent yet")}>
      {list.length === 0 && <p>{t("Everything you said has been received.")}</p>}
      {list.length > 0 && <p>{t("These are safe on this phone. They go out by themselves.")}</p>}
      {list.length > 0 && !isShutOut.value && (
        <button
          type="button"
          class="second"
          onClick={() => void (asksToHandIn.value ? handIn().then(send) : send())}
        >
          {t("Send now")}
        </button>
      )}
      <ul class="entries">
        {list.map((sending) => (
          <Item key={sending.id} sending={sending} />
        ))}
      </ul>
      {others.value > 0 && (
        <p class="soft">
          {tn(
            "{n} thing of somebody else waits here too. It stays closed until they sign in.",
            "{n} things of somebody else wait here too. They stay closed until they sign in.",
            others.value,
          )}
        </p>
      )}
    </Page>
  );
}

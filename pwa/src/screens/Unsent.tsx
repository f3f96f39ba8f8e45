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
  if (sending.kind === "rhythm") return t("Other times you suggested");
  if (sending.kind === "take-back") return t("Taking back what you suggested");
  if (sending.kind === "forgot") return t("I forgot");
  if (sending.kind === "shared") return t("An answer to a question");
  if (sending.kind === "trusted") return t("People I trust");
  if (sending.kind === "own") return t("If I go missing");
  if (sending.kind === "change") return t("Something for my project");
  const { want, mood } = sending.body;
  if (want === "help") return t("I need help now");
  if (want === "talk") return t("I want to talk");
  if (want === "safe") return t("I'm safe. I'm not ready to come back yet");
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
  if (code === "quarantined") return t("We received it. A person checks it before it counts.");
  if (sentence) return sentence;
  if (code === "id_reused") return t("We couldn't send it. Something else is already saved in its place.");
  if (code === "unreadable") return t("We couldn't send it. This phone can't read it any more.");
  return t("We couldn't send it. The system didn't accept it.");
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
        <p>{sending.problem ? reason(sending) : t("It will be sent when you're online.")}</p>
        {sending.loose && <p>{t("This phone is full. Keep the app open until it's sent.")}</p>}
        <div class="pair-of">
          {sending.problem && sending.problem !== "unreadable" && (
            <button type="button" class="plain" onClick={() => void tryAgain(sending)}>
              {t("Try again")}
            </button>
          )}
          {sending.problem && said && (
            <button type="button" class="plain" onClick={() => void navigator.clipboard?.writeText(said)}>
              {t("Copy the text")}
            </button>
          )}
          {sure.value === sending.id ? (
            <button type="button" class="plain" onClick={() => void throwAway(sending)}>
              {t("Yes, delete it")}
            </button>
          ) : (
            <button type="button" class="plain" onClick={() => (sure.value = sending.id)}>
              {t("Delete")}
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
      {list.length === 0 && <p>{t("We've received everything you said.")}</p>}
      {list.some((sending) => !sending.problem) && <p>{t("These are safe on this phone. They'll be sent when you're online.")}</p>}
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
            "{n} thing from another person is waiting here too. It stays locked until they sign in.",
            "{n} things from another person are waiting here too. They stay locked until they sign in.",
            others.value,
          )}
        </p>
      )}
    </Page>
  );
}

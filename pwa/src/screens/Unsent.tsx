import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Answer } from "../api";
import { moment, t, tn } from "../i18n";
import { moods } from "../parts/Faces";
import { Page } from "../parts/Page";
import { rowsOfOthers } from "../store/db";
import { now } from "../store/now";
import type { Content, Kind } from "../store/kinds";
import type { Sending } from "../store/outbox";
import { queue, send, throwAway, tryAgain } from "../store/sender";
import { asksToHandIn, handIn, isShutOut, who } from "../store/session";
import type { Body } from "../store/sync";

const sure = signal<string | null>(null);
const others = signal(0);

function checkInTitle({ want, mood }: Answer): string {
  if (want === "help") return t("I need help now");
  if (want === "talk") return t("I want to talk");
  if (want === "safe") return t("I'm safe. I'm not ready to come back yet");
  return mood ? t("Check-in: {mood}", { mood: moods()[mood - 1] ?? "" }) : t("Check-in");
}

function changeWords({ value }: Body): string {
  if (typeof value === "string") return value;
  const fields = (value ?? {}) as Record<string, unknown>;
  const texts = ["text", "child_words", "worker_words", "comment", "value"].map((name) => fields[name]);
  return texts.find((text): text is string => typeof text === "string" && text !== "") ?? "";
}

/** How a message is shown: its title, and its words, enough to know it again, and to copy it. */
interface Shown<B> {
  title(body: B): string;
  words?(body: B): string;
}

const SHOWN: { [K in Kind]: Shown<Extract<Content, { kind: K }>["body"]> } = {
  check_in: { title: checkInTitle, words: ({ note }) => note ?? "" },
  language: { title: () => t("Your choice of language") },
  rhythm: { title: () => t("Other times you suggested"), words: ({ words }) => words ?? "" },
  "take-back": { title: () => t("Taking back what you suggested") },
  away: { title: () => t("I'll be away"), words: ({ place, words }) => [place, words ?? ""].join("\n").trim() },
  back: { title: () => t("I'm back, or I'm not going") },
  forgot: { title: () => t("I forgot") },
  snooze: { title: () => t("Remind me later") },
  shared: { title: () => t("An answer to a question"), words: ({ words }) => words },
  trusted: { title: () => t("People I trust"), words: ({ name }) => name },
  ask: { title: () => t("I have a question"), words: ({ words }) => words },
  "advocate-wish": {
    title: ({ is_wanted }) => (is_wanted ? t("I want an advocate") : t("I don't need an advocate any more")),
  },
  "advocate-share": {
    title: ({ tells_alerts }) =>
      tells_alerts
        ? t("Let my advocate know when adults are called about me")
        : t("My advocate isn't told when adults are called about me"),
  },
  "advocate-end": { title: () => t("I don't want this advocate any more") },
  own: { title: () => t("If I go missing"), words: ({ fields }) => Object.values(fields).join("\n") },
  change: { title: () => t("Something for my project"), words: changeWords },
};

function reason({ problem: code, sentence }: Sending): string {
  if (code === "quarantined") return t("We received it. It doesn't count until a person has checked it.");
  if (sentence) return sentence;
  if (code === "id_reused") return t("We couldn't send it. Something else is already saved in its place.");
  if (code === "unreadable") return t("We couldn't send it. This phone can't read it any more.");
  return t("We couldn't send it. The system didn't accept it.");
}

/** Asked once more, with keeping it first: what is deleted here never reached anybody. */
function Sure({ sending }: { sending: Sending }) {
  const isHelp = sending.kind === "check_in" && sending.body.want === "help";
  return (
    <>
      <p class="strong">
        {isHelp ? t("No one has received this call for help. Delete it?") : t("No one has received this. Delete it?")}
      </p>
      <div class="pair-of">
        <button type="button" class="plain" onClick={() => (sure.value = null)}>
          {t("Keep it")}
        </button>
        <button type="button" class="quiet" onClick={() => void throwAway(sending)}>
          {t("Yes, delete it")}
        </button>
      </div>
    </>
  );
}

function Item({ sending }: { sending: Sending }) {
  const at = sending.kind === "language" ? "" : sending.body.said_at;
  const shown = SHOWN[sending.kind] as Shown<Content["body"]>;
  const words = shown.words?.(sending.body) ?? "";
  return (
    <li class="entry">
      <div>
        <p class="strong">{shown.title(sending.body)}</p>
        {at && <p class="soft">{moment(at, now.value)}</p>}
        {words && (
          <p class="said" dir="auto">
            {words}
          </p>
        )}
        <p>{sending.problem ? reason(sending) : t("It will be sent when this app is open and online.")}</p>
        {sending.loose && <p>{t("This phone is full. Keep the app open until it's sent.")}</p>}
        <div class="pair-of">
          {sending.problem && sending.problem !== "unreadable" && (
            <button type="button" class="plain" onClick={() => void tryAgain(sending)}>
              {t("Try again")}
            </button>
          )}
          {sending.problem && words && (
            <button type="button" class="plain" onClick={() => void navigator.clipboard?.writeText(words)}>
              {t("Copy the text")}
            </button>
          )}
          {sure.value !== sending.id && (
            <button type="button" class="quiet" onClick={() => (sure.value = sending.id)}>
              {t("Delete")}
            </button>
          )}
        </div>
        {sure.value === sending.id && <Sure sending={sending} />}
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
      {list.length === 0 && <p>{t("Nothing is waiting to be sent.")}</p>}
      {list.some((sending) => !sending.problem) && (
        <p>{t("These are saved on this phone. They'll be sent when this app is open and online.")}</p>
      )}
      {list.length > 0 && !isShutOut.value && (
        <button type="button" class="second" onClick={() => void (asksToHandIn.value ? handIn().then(send) : send())}>
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

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Heard } from "../api";
import { clockTime, listed, t } from "../i18n";
import { dialled } from "../parts/dialled";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Thanks, whereabouts } from "../parts/Thanks";
import { DeferredPart, fetchDeferred, hasDeferred } from "../parts/DeferredScreen";
import { clear, mood, note } from "../store/draft";
import { call, deafSince, hear, showsNames } from "../store/last";
import { checkIn, tap, type Tap } from "../store/sender";
import { isShutOut, me, who } from "../store/session";
import { forgetWishes } from "../store/wishes";

/** Without a network, and where the wishes may still come, the telephone is first: nothing may move under a finger. */
const phonesFirst = signal(false);

/** One further tap, so that nobody is called by a slip of the finger. */
function askForHelp(): void {
  phonesFirst.value = !navigator.onLine || !hasDeferred();
  void fetchDeferred();
  const answer = { mood: mood.value, note: note.value, want: "help" as const, mark: "a" as const };
  clear();
  forgetWishes();
  void checkIn(answer);
}

/** Where a text message goes: the agreed word is in it already, and nothing that tells what it is for. */
function texting(phone: string | null | undefined): string | null {
  const agreed = me.value?.help_text;
  // iPhones read the words after an "&", all others after the "?".
  if (agreed) return `sms:${agreed.number}?&body=${encodeURIComponent(agreed.word)}`;
  return phone ? `sms:${dialled(phone)}` : null;
}

/** What works without this app, and without the internet. */
function ByPhone({ phone }: { phone: string | null | undefined }) {
  const text = texting(phone);
  return (
    <>
      {text && (
        <>
          <p class="after">{t("Or by phone. This also works without the internet.")}</p>
          <div class="pair-of">
            {phone && (
              <a class="plain" href={`tel:${dialled(phone)}`}>
                <Icon name="call" />
                {t("Call")}
              </a>
            )}
            <a class="plain" href={text}>
              <Icon name="message" />
              {t("Text message")}
            </a>
          </div>
          {phone && (
            <p class="soft">
              <bdi>{phone}</bdi>
            </p>
          )}
        </>
      )}
      <p class="after">{t("Are you in danger right now? Call 112. It works on every phone.")}</p>
      <a class="plain" href="tel:112">
        <Icon name="call" />
        {t("Call 112")}
      </a>
    </>
  );
}

/** The call for help that this screen is about: the last tap, else what the phone has kept of it. */
function shownCall(): Tap | null {
  if (tap.value?.want === "help") return tap.value;
  if (!call.value) return null;
  const { id, received_at: receivedAt, isRefused } = call.value;
  const stage = receivedAt ? "received" : isRefused ? "refused" : "saved";
  return { id, want: "help", mood: null, stage, receivedAt };
}

const isBefore = (at: string, than: string) => Date.parse(at) < Date.parse(than);

/** What the server's rows say of the call, and no more. Names only where the child chose that. */
function whatWeKnow({ stage, who: names, since, sent_at: sent }: Heard, receivedAt: string): string[] {
  const name = showsNames.value && names.length > 0 ? listed(names) : "";
  if (stage === "over")
    return [t("This call was closed at {time}.", { time: clockTime(since!) }), t("If you need help, call again.")];
  if (stage === "unreached") return [t("We haven't reached an adult yet. Please call one of the numbers below.")];
  if (stage === "calling") {
    return [
      name ? t("We're calling {name}.", { name }) : t("We're calling an adult."),
      sent ? t("Our message went out at {time}.", { time: clockTime(sent) }) : t("Our message hasn't gone out yet."),
    ];
  }
  const taken = name ? t("{name} has it.", { name }) : t("An adult has it.");
  if (!isBefore(since!, receivedAt)) return [taken];
  // They took an earlier call: of this one they know once our message is there.
  return [
    name
      ? t("{name} has your earlier call since {time}.", { name, time: clockTime(since!) })
      : t("An adult has your earlier call since {time}.", { time: clockTime(since!) }),
    sent && !isBefore(sent, receivedAt)
      ? t("Our message about the new one went out at {time}.", { time: clockTime(sent) })
      : t("Our message about the new one hasn't gone out yet."),
  ];
}

/** How often an open screen asks again. */
const HEAR_MS = 10_000;

function useHearing(id: string | null): void {
  useEffect(() => {
    if (!id) return;
    const ask = () => void (document.visibilityState === "visible" && hear());
    ask();
    const timer = setInterval(ask, HEAR_MS);
    return () => clearInterval(timer);
  }, [id]);
}

function Called({ mine }: { mine: Tap }) {
  const isThere = mine.stage === "received";
  const heard = isThere && call.value?.id === mine.id ? call.value.heard : null;
  const lines = heard ? whatWeKnow(heard, mine.receivedAt!) : [];
  const deaf =
    deafSince.value && heard
      ? t("No connection since {time}. This may have changed.", { time: clockTime(deafSince.value) })
      : "";
  return (
    <>
      <Thanks tap={mine} words={isThere ? t("We have your call.") : t("You did the right thing.")}>
        {lines.map((line) => (
          <p key={line}>{line}</p>
        ))}
        {deaf && <p>{deaf}</p>}
      </Thanks>
      <p class="hidden-text" role="status">
        {lines.join(" ") || (mine.stage === "saving" ? "" : whereabouts(mine))}
      </p>
    </>
  );
}

function Ask({ words }: { words: string }) {
  return (
    <button type="button" class="main alarm" onClick={askForHelp}>
      {words}
    </button>
  );
}

export function Help() {
  const mine = shownCall();
  const isThere = mine?.stage === "received";
  const isOver = call.value?.heard?.stage === "over";
  const isJustTapped = tap.value?.want === "help" && !isOver;
  useHearing(call.value?.received_at ? call.value.id : null);
  return (
    <Page title={t("Do you need help now?")}>
      {!mine && <p>{t("Tap once to send a call for help. Day or night.")}</p>}
      {who.value && <div class="act">{mine ? <Called mine={mine} /> : <Ask words={t("Yes, I need help now")} />}</div>}
      {who.value && isThere && <Ask words={t("Call again")} />}
      {isShutOut.value && <p>{t("This phone isn't connected any more. It can't send your call for help.")}</p>}
      {isJustTapped && who.value && !phonesFirst.value && <DeferredPart show="HelpWishes" />}
      <ByPhone phone={me.value?.help_phone} />
      {isJustTapped && who.value && phonesFirst.value && <DeferredPart show="HelpWishes" />}
    </Page>
  );
}

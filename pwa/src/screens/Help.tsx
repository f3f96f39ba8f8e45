import { signal } from "@preact/signals";
import { t } from "../i18n";
import { dialled } from "../parts/dialled";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Thanks, whereabouts } from "../parts/Thanks";
import { forgetWishes, HelpWishes } from "../parts/HelpWishes";
import { clear, mood, note } from "../store/draft";
import { checkIn, tap } from "../store/sender";
import { isShutOut, me, who } from "../store/session";

/** Without a network the telephone comes first, and stays where it is once there is one again. */
const phonesFirst = signal(false);

/** One further tap, so that nobody is called by a slip of the finger. */
function askForHelp(): void {
  phonesFirst.value = !navigator.onLine;
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

export function Help() {
  const mine = tap.value?.want === "help" ? tap.value : null;
  const phone = me.value?.help_phone;
  return (
    <Page title={t("Do you need help now?")}>
      {!mine && <p>{t("Tap once and we call someone for you. Day or night.")}</p>}
      {who.value && (
        <div class="act">
          {mine ? (
            <Thanks tap={mine} />
          ) : (
            <button type="button" class="main alarm" onClick={askForHelp}>
              {t("Yes, I need help now")}
            </button>
          )}
        </div>
      )}
      {isShutOut.value && <p>{t("This phone isn't connected any more. It can't send your call for help.")}</p>}
      {mine && who.value && !phonesFirst.value && <HelpWishes />}
      <p class="hidden-text" role="status">
        {mine && mine.stage !== "saving" ? whereabouts(mine) : ""}
      </p>
      <ByPhone phone={phone} />
      {mine && who.value && phonesFirst.value && <HelpWishes />}
    </Page>
  );
}

import { t, tn } from "../i18n";
import { Page } from "../parts/Page";
import { turnOff } from "../push";
import { go } from "../routes";
import { clear } from "../store/draft";
import { askForSync, look, send, tap, unsent } from "../store/sender";
import { signOut } from "../store/session";

async function leave(unsentToo: boolean): Promise<void> {
  await turnOff().catch(() => undefined);
  clear();
  tap.value = null;
  await signOut({ unsentToo });
  // Without a network the server hears of it later, even where the app is closed before.
  void askForSync().catch(() => undefined);
  await look();
  go("today", { instead: true });
}

export function SignOut() {
  const waiting = unsent.value.length;
  return (
    <Page title={t("Sign out")}>
      <p>{t("After that, this phone shows and sends nothing. You need a new code to come back.")}</p>
      {waiting > 0 ? (
        <>
          <p class="strong">{tn("{n} thing hasn't been sent yet.", "{n} things haven't been sent yet.", waiting)}</p>
          <button type="button" class="main" onClick={() => void send()}>
            {t("Send first")}
          </button>
          <button type="button" class="second" onClick={() => void leave(false)}>
            {t("Sign out and keep them locked on this phone")}
          </button>
          <button type="button" class="second" onClick={() => void leave(true)}>
            {t("Sign out and delete them")}
          </button>
        </>
      ) : (
        <button type="button" class="second" onClick={() => void leave(true)}>
          {t("Yes, sign out")}
        </button>
      )}
    </Page>
  );
}

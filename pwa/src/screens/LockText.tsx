/** What the lock screen shows when a reminder comes: one of a few neutral texts, as it will look. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, type Me } from "../api";
import { clockTime, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { now } from "../store/now";
import { isShared } from "../store/roster";
import { me, refresh } from "../store/session";

/** The server has the same list: server/notify/child/lock_texts.py. The last one is no text at all. */
const TEXTS: readonly (readonly [code: string, text: () => string])[] = [
  ["", () => t("You have 1 new item")],
  ["planner", () => t("New in your planner")],
  ["break", () => t("Time for a short break")],
  ["list", () => t("Your list for today is ready")],
  ["water", () => t("Remember to drink some water")],
  ["tip", () => t("Your tip of the day")],
  ["look", () => t("Take a look when you have a minute")],
  ["none", () => ""],
];

const status = signal("");

async function choose(code: string): Promise<void> {
  status.value = "";
  try {
    const fresh = await ask<Me>("PATCH", "/me", { lock_text: code });
    me.value = fresh;
    status.value = t("Saved.");
    await refresh({ force: true });
  } catch {
    status.value = t("That didn't work. Try again when you're online.");
  }
}

export function LockText() {
  useEffect(() => void (status.value = ""), []);
  const chosen = me.value?.lock_text ?? "";
  const text = (TEXTS.find(([code]) => code === chosen) ?? TEXTS[0]!)[1]();
  return (
    <Page title={t("Text on the lock screen")}>
      <p>{t("When a reminder comes, your lock screen looks like this. Choose what fits you.")}</p>
      <div class="lock-screen">
        <img src="/app/icons/planner-192.png" alt="" width="40" height="40" />
        <div>
          <p class="strong">{me.value?.display_name}</p>
          {text && <p>{text}</p>}
        </div>
        <span class="soft">{clockTime(now.value)}</span>
      </div>
      <div class="options" role="group" aria-label={t("Text on the lock screen")}>
        {TEXTS.map(([code, words]) => (
          <button
            key={code}
            type="button"
            class="plain option"
            aria-pressed={code === chosen}
            onClick={() => void choose(code)}
          >
            <span>{words() || t("No text, only the name of the app")}</span>
            {code === chosen && <Icon name="check" />}
          </button>
        ))}
      </div>
      <p role="status" class="strong">
        {status.value}
      </p>
      {isShared.value && <p class="soft">{t("On a shared phone, others may know you by your text.")}</p>}
    </Page>
  );
}

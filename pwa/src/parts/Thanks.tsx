import type { ComponentChildren } from "preact";
import { useArrival } from "../a11y";
import { clockTime, t } from "../i18n";
import { go } from "../routes";
import { halt, type Tap } from "../store/sender";
import { moods } from "./Faces";
import { Face, Icon } from "./Icon";

/** Where the words are now, in one sentence. "Received" is said only after the server said so. */
export function whereabouts({ stage, receivedAt, want }: Tap): string {
  if (stage === "received") {
    const time = clockTime(receivedAt!);
    if (want === "talk") return t("Received {time}. You asked to talk.", { time });
    if (want === "safe") return t("Received {time}. It's good to hear from you.", { time });
    return t("Received {time}.", { time });
  }
  if (stage === "loose") {
    return t("This phone is full. Keep the app open until you read “Received”.");
  }
  if (stage === "refused") return t("We couldn't send this. It's still on this phone.");
  if (stage === "saving") return "\u00a0";
  if (halt.value === "fault") return t("Saved on this phone. Something went wrong on our side. We keep trying.");
  if (want === "help") {
    return halt.value
      ? t("Saved on this phone. There's no connection, so it isn't sent yet. This phone keeps trying.")
      : t("Saved on this phone. Sending…");
  }
  return halt.value ? t("Saved on this phone. Not sent yet.") : t("Saved on this phone.");
}

/** Takes the place of the button that was tapped: nothing else moves. */
export function Thanks({ tap, words, children }: { tap: Tap; words?: string; children?: ComponentChildren }) {
  const panel = useArrival<HTMLDivElement>();
  const isThere = tap.stage === "received";
  return (
    <div class={isThere ? "thanks received" : "thanks"} tabIndex={-1} ref={panel}>
      <Icon name={isThere ? "received" : "phone"} />
      <div class="grow">
        <p class="strong">{words ?? t("Thank you.")}</p>
        {children}
        <p>{whereabouts(tap)}</p>
        {tap.stage === "refused" && (
          <button type="button" class="quiet" onClick={() => go("unsent")}>
            {t("See why")}
          </button>
        )}
      </div>
      <Chosen mood={tap.mood} />
    </div>
  );
}

/** The face that went along, with its word. */
export function Chosen({ mood }: { mood: number | null }) {
  if (!mood) return null;
  return (
    <span class="chosen">
      <Face mood={mood} />
      {moods()[mood - 1]}
    </span>
  );
}

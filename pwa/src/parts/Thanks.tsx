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
    if (want === "talk")
      return t("Received {time}. We've told the adults who look after you that you want to talk.", { time });
    if (want === "help") return t("Received {time}. We're calling someone for you now.", { time });
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

/** Help is said to be on its way only after the server said that it heard the call. */
function thanks(want: Tap["want"], isThere: boolean): string {
  if (want !== "help") return t("Thank you.");
  return isThere ? t("Help is on its way.") : t("You did the right thing.");
}

/** Takes the place of the button that was tapped: nothing else moves. */
export function Thanks({ tap }: { tap: Tap }) {
  const panel = useArrival<HTMLDivElement>();
  const isThere = tap.stage === "received";
  return (
    <div class={isThere ? "thanks received" : "thanks"} tabIndex={-1} ref={panel}>
      <Icon name={isThere ? "received" : "phone"} />
      <div class="grow">
        <p class="strong">{thanks(tap.want, isThere)}</p>
        <p>{whereabouts(tap)}</p>
        {tap.stage === "refused" && (
          <button type="button" class="quiet" onClick={() => go("unsent")}>
            {t("See why")}
          </button>
        )}
      </div>
      {tap.mood && (
        <span class="chosen">
          <Face mood={tap.mood} />
          {moods()[tap.mood - 1]}
        </span>
      )}
    </div>
  );
}

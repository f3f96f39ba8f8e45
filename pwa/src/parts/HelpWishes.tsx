/**
 * After the call for help has been kept: how the child would like to be met, and by which helper. Nobody waits for it,
 * and nothing has to be chosen. Each choice is a further call, so that it is kept and sent like the first.
 */
import type { How } from "../api";
import { t } from "../i18n";
import { checkIn } from "../store/sender";
import { me } from "../store/session";
import { chosen, person } from "../store/wishes";
import { Icon, type IconName } from "./Icon";

function wish(): void {
  const how = chosen.value ? { how: chosen.value } : {};
  const helper = person.value ? { who: person.value } : {};
  void checkIn({ mood: null, note: "", want: "help", mark: "a", ...how, ...helper });
}

const WAYS: [How, IconName][] = [
  ["call", "call"],
  ["quiet", "message"],
  ["come", "path"],
];

const words = (how: How): string =>
  ({
    call: t("Call me"),
    quiet: t("Don't call. Message me only when I say it's safe"),
    come: t("Come to me"),
  })[how];

export function HelpWishes() {
  const helpers = me.value?.helpers ?? [];
  return (
    <section class="stack">
      <h2>{t("How should we reach you?")}</h2>
      <p class="soft">{t("You can skip this. Your call for help counts without it.")}</p>
      {WAYS.map(([how, icon]) => (
        <button
          key={how}
          type="button"
          class="plain wish-way"
          aria-pressed={chosen.value === how}
          onClick={() => {
            chosen.value = how;
            wish();
          }}
        >
          <Icon name={icon} />
          {words(how)}
        </button>
      ))}
      {helpers.length > 1 && (
        <>
          <h3>{t("Who would you like?")}</h3>
          <div class="pair-of">
            {helpers.map(({ id, name }) => (
              <button
                key={id}
                type="button"
                class="plain"
                aria-pressed={person.value === id}
                onClick={() => {
                  person.value = id;
                  wish();
                }}
              >
                <bdi>{name}</bdi>
              </button>
            ))}
          </div>
        </>
      )}
    </section>
  );
}

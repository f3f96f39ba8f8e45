import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { go, place, type Place, type ProjectPlace } from "../routes";
import { cover } from "../store/cover";
import { isStaff } from "../store/session";
import { Icon, type IconName } from "./Icon";

/** Hide and help are always in the same two corners, within one tap. */
function TopBar() {
  return (
    <header class="top">
      <button type="button" class="quiet" onClick={cover}>
        <Icon name="hide" />
        {t("Hide")}
      </button>
      {isStaff.value ? (
        <a class="quiet" href="/desk/">
          {t("The desk")}
          <Icon name="next" />
        </a>
      ) : (
        <button
          type="button"
          class="quiet help"
          aria-current={place.value === "help" ? "page" : undefined}
          onClick={() => go("help")}
        >
          {t("Help now")}
          <Icon name="help" />
        </button>
      )}
    </header>
  );
}

/** Every other screen is one of the project, those to come too. */
const OF_MORE: Exclude<Place, ProjectPlace>[] = [
  "days",
  "more",
  "looks",
  "language",
  "reminders",
  "phones",
  "cover",
  "unsent",
  "sharing",
  "pair",
  "leave",
  "hands",
];

/** Those of the project's file that "More" leads to. */
const IN_MORE: Place[] = [
  "rhythm",
  "school",
  "lock-text",
  "away",
  "happened",
  "asked",
  "ask",
  "around",
  "trusted",
  "advocate",
  "packs",
  "if-missing",
];

/** Which of the four places at the bottom a screen belongs to. */
function tabOf(screen: Place): Place | null {
  if (screen === "help") return null;
  if (screen === "today" || screen === "talk" || screen === "children") return screen;
  if (IN_MORE.includes(screen)) return "more";
  return OF_MORE.some((place) => place === screen) ? "more" : "project";
}

function Tab({ to, icon, word }: { to: Place; icon: IconName; word: string }) {
  const here = tabOf(place.value) === to;
  return (
    <li>
      <button type="button" aria-current={here ? "page" : undefined} onClick={() => go(to)}>
        <Icon name={icon} />
        {word}
      </button>
    </li>
  );
}

export function Frame({ children }: { children: ComponentChildren }) {
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={skip}>
        {t("Skip to the content")}
      </a>
      <TopBar />
      {children}
      <nav class="tabs" aria-label={t("Main menu")}>
        <ul>
          {isStaff.value ? (
            <>
              <Tab to="children" icon="phones" word={t("Children")} />
              <Tab to="project" icon="path" word={t("Project")} />
            </>
          ) : (
            <>
              <Tab to="today" icon="sun" word={t("Today")} />
              <Tab to="project" icon="path" word={t("My project")} />
            </>
          )}
          <Tab to="talk" icon="talk" word={t("Messages")} />
          <Tab to="more" icon="more" word={t("More")} />
        </ul>
      </nav>
    </div>
  );
}

/** The address stays as it is; only the focus goes. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("title")?.focus();
}

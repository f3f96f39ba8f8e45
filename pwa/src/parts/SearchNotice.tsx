import { t } from "../i18n";
import { go } from "../routes";
import { isOpen, lines, putAway } from "../store/searchNotice";
import { tap } from "../store/sender";
import { dialled } from "./dialled";
import { Icon } from "./Icon";
import { Thanks } from "./Thanks";

function Line({ number, words }: { number: string; words: string }) {
  if (number === "") return null;
  return (
    <a class="plain door-line" href={`tel:${dialled(number)}`}>
      <Icon name="call" />
      <span>
        {words} <bdi class="number">{number}</bdi>
      </span>
    </a>
  );
}

/** While adults look for this child. Nothing in it asks where they are, and nothing in it ends the search. */
export function SearchNotice({ onSafe }: { onSafe: () => void }) {
  if (!isOpen.value) return null;
  const { talk, away } = lines.value;
  const mine = tap.value?.want === "safe" ? tap.value : null;
  return (
    <section class="card door" aria-labelledby="door">
      <h2 id="door">{t("We're looking for you because we care.")}</h2>
      <button type="button" class="main" onClick={() => go("help")}>
        {t("I need help")}
      </button>
      {mine ? (
        <Thanks key={mine.id} tap={mine} />
      ) : (
        <button type="button" class="second" onClick={onSafe}>
          {t("I'm safe. I'm not ready to come back yet")}
        </button>
      )}
      <button type="button" class="second" onClick={() => go("talk", { about: { begin: "1" } })}>
        <Icon name="talk" />
        {t("Write to someone you know")}
      </button>
      {talk + away !== "" && <p class="soft">{t("Free to call. You don't have to say your name.")}</p>}
      <div class="pair-of">
        <Line number={talk} words={t("Need to talk? Call:")} />
        <Line number={away} words={t("If you've left home:")} />
      </div>
      <button type="button" class="quiet" onClick={putAway}>
        {t("Close")}
      </button>
    </section>
  );
}

/** The path itself, drawn from mark to mark: it swings from voice to voice. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { longDay, t, tn } from "../i18n";
import { now } from "../store/now";
import { isChild } from "../store/project";
import { Pictogram } from "./Pictogram";
import { waymarks, type Side, type Waymark } from "./waymarks";

/** So many things behind and ahead are enough at first; the rest is one tap away. */
const FEW_BEHIND = 3;
const FEW_AHEAD = 8;
const showsBehind = signal(false);
const showsAhead = signal(false);

const X: Record<Side, number> = { child: 92, adult: 8, both: 50 };

/** The way from the mark before, through this one, to the next. */
function Way({ from, at, to, walked }: { from: Side | null; at: Side; to: Side | null; walked: [boolean, boolean] }) {
  const x = X[at];
  const before = from && (X[from] + x) / 2;
  const after = to && (X[to] + x) / 2;
  return (
    <svg class="way" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {before !== null && (
        <path class={walked[0] ? "walked" : "ahead"} d={`M${before} 0C${(x + before) / 2} 12.5 ${x} 25 ${x} 50`} />
      )}
      {after !== null && (
        <path class={walked[1] ? "walked" : "ahead"} d={`M${x} 50C${x} 75 ${(x + after) / 2} 87.5 ${after} 100`} />
      )}
    </svg>
  );
}

const HERE: Waymark = {
  key: "here",
  side: "both",
  at: "",
  icon: <Pictogram name="here" />,
  state: "open",
  card: () => null,
};

/** The button that showed them goes, and the focus with it: it is on the first thing that came. */
function focusOn(list: HTMLOListElement | null, place: number): void {
  requestAnimationFrame(() => list?.children[place]?.querySelector<HTMLElement>("button, a")?.focus());
}

export function Path() {
  const list = useRef<HTMLOListElement>(null);
  const showBehind = () => {
    showsBehind.value = true;
    focusOn(list.current, 0);
  };
  const showAhead = (place: number) => {
    showsAhead.value = true;
    focusOn(list.current, place);
  };
  useEffect(
    () => () => {
      showsBehind.value = false;
      showsAhead.value = false;
    },
    [],
  );
  const { behind, ahead } = waymarks();
  if (behind.length === 0 && ahead.length === 0) return null;
  const hidden = showsBehind.value ? 0 : Math.max(0, behind.length - FEW_BEHIND);
  // The end of the path stays in sight; one thing more is shown rather than a button for it.
  const far = showsAhead.value || ahead.length <= FEW_AHEAD + 2 ? [] : ahead.slice(FEW_AHEAD, -1);
  const all = [...behind.slice(hidden), HERE, ...ahead.filter((mark) => !far.includes(mark))];
  const here = all.indexOf(HERE);
  return (
    <>
      {hidden > 0 && (
        <button type="button" class="quiet" onClick={showBehind}>
          {tn("Show {n} more thing behind you", "Show {n} more things behind you", hidden)}
        </button>
      )}
      <ol class="path" ref={list}>
        {all.map((mark, n) => (
          <li key={mark.key} class={mark === HERE ? "at-both is-here" : `at-${mark.side}`}>
            <Way
              from={all[n - 1]?.side ?? null}
              at={mark.side}
              to={all[n + 1]?.side ?? null}
              walked={[n <= here, n < here]}
            />
            <span class={`waymark ${mark.state}`}>{mark.icon}</span>
            {mark === HERE ? (
              <div class="stone here">
                <span class="stone-text">{isChild.value ? t("You are here") : t("Here we are")}</span>
                <span class="stone-when">{longDay(now.value)}</span>
              </div>
            ) : (
              mark.card()
            )}
          </li>
        ))}
      </ol>
      {far.length > 0 && (
        <button type="button" class="quiet" onClick={() => showAhead(all.length - 1)}>
          {tn("Show {n} more thing ahead", "Show {n} more things ahead", far.length)}
        </button>
      )}
    </>
  );
}

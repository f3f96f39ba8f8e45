/**
 * What others see: a small list for the day that is real and works. Nothing on it speaks of anything else.
 * Press and hold the date, or tap it four times, and the app is back (after the four digits, where set). The taps may
 * take as long as they take: not every hand is quick, and who uses a switch cannot hold (WCAG 2.2.1). They end when the
 * phone shows something else: two taps of today and two of another hand tomorrow are no four.
 */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useKeptFocus } from "../a11y";
import { uuid } from "../bytes";
import { longDay, t, tn } from "../i18n";
import { Icon } from "../parts/Icon";
import { wrongDigits } from "../parts/wrongDigits";
import { plainDigits } from "../store/digits";
import { hasPin, keepLines, lines, tryPin, uncover } from "../store/cover";
import { now } from "../store/now";

const HOLD_MS = 900;
const TAPS = 4;

const asksForPin = signal(false);
const text = signal("");
const digits = signal("");
const status = signal("");

function open(): void {
  status.value = "";
  if (hasPin.value) asksForPin.value = true;
  else uncover();
}

function Title() {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const taps = useRef(0);
  const begin = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(open, HOLD_MS);
  };
  const end = () => clearTimeout(timer.current);
  const tap = () => {
    taps.current += 1;
    if (taps.current >= TAPS) open();
  };
  useEffect(() => {
    // What is done with the list in between begins the count anew: it was no wish to come back.
    const anew = ({ target }: Event) => {
      if (target instanceof Element && !target.closest(".date")) taps.current = 0;
    };
    const away = () => (taps.current = 0);
    document.addEventListener("click", anew);
    document.addEventListener("visibilitychange", away);
    window.addEventListener("blur", away);
    return () => {
      end();
      document.removeEventListener("click", anew);
      document.removeEventListener("visibilitychange", away);
      window.removeEventListener("blur", away);
    };
  }, []);
  return (
    <h1 tabIndex={-1}>
      <button
        type="button"
        class="date"
        onPointerDown={begin}
        onPointerUp={end}
        onPointerLeave={end}
        onPointerCancel={end}
        onKeyDown={(event) => !event.repeat && (event.key === "Enter" || event.key === " ") && begin()}
        onKeyUp={end}
        onBlur={end}
        onContextMenu={(event) => event.preventDefault()}
        onClick={tap}
      >
        {longDay(now.value)}
      </button>
    </h1>
  );
}

function add(event: Event): void {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  keepLines([...lines.value, { id: uuid(), text: words, done: false }]);
  text.value = "";
}

function tick(id: string): void {
  keepLines(lines.value.map((line) => (line.id === id ? { ...line, done: !line.done } : line)));
}

function remove(id: string): void {
  keepLines(lines.value.filter((line) => line.id !== id));
}

async function check(value: string): Promise<void> {
  digits.value = plainDigits(value);
  if (digits.value.length < 4) return;
  const typed = digits.value;
  digits.value = "";
  const wait = await tryPin(typed);
  if (wait > 0) {
    status.value = wrongDigits(wait);
    return;
  }
  asksForPin.value = false;
  uncover();
}

function Digits() {
  return (
    <main class="page digits">
      <h1>
        <label for="digits">{t("Your 4-digit code")}</label>
      </h1>
      <input
        id="digits"
        type="password"
        inputMode="numeric"
        autocomplete="off"
        maxLength={4}
        dir="ltr"
        aria-describedby="digits-said"
        value={digits.value}
        ref={(field) => field?.focus()}
        onInput={(event) => void check(event.currentTarget.value)}
      />
      <p id="digits-said" role="status" class="strong">
        {status.value}
      </p>
      <button type="button" class="quiet" onClick={() => (asksForPin.value = false)}>
        {t("Back")}
      </button>
    </main>
  );
}

export function Cover() {
  useEffect(() => {
    asksForPin.value = false;
    digits.value = "";
  }, []);
  if (asksForPin.value) return <Digits />;
  return <Planner />;
}

function Planner() {
  const screen = useKeptFocus<HTMLElement>();
  const open = lines.value.filter((line) => !line.done).length;
  return (
    <main class="page planner" ref={screen}>
      <Title />
      <p class="soft">{lines.value.length === 0 ? t("Nothing planned yet.") : tn("{n} to do", "{n} to do", open)}</p>
      <ul class="entries">
        {lines.value.map((line) => (
          <li key={line.id} class="todo">
            <button
              type="button"
              class={line.done ? "line done" : "line"}
              aria-pressed={line.done}
              onClick={() => tick(line.id)}
            >
              <span class="circle">{line.done && <Icon name="check" />}</span>
              <span class="line-text" dir="auto">
                {line.text}
              </span>
            </button>
            <button
              type="button"
              class="quiet"
              aria-label={t("Remove: {what}", { what: line.text })}
              onClick={() => remove(line.id)}
            >
              <Icon name="bin" />
            </button>
          </li>
        ))}
      </ul>
      <form class="add" onSubmit={add}>
        <label for="new">{t("Something for today")}</label>
        <div class="add-row">
          <input
            id="new"
            type="text"
            dir="auto"
            autocomplete="off"
            maxLength={200}
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
          <button type="submit" class="plain">
            <Icon name="plus" />
            {t("Add")}
          </button>
        </div>
      </form>
    </main>
  );
}

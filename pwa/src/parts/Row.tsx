import { go, type Place } from "../routes";
import { Icon, type IconName } from "./Icon";

/** A line of a list that leads to a screen, with how it stands there. */
export function Row({ to, icon, word, state }: { to: Place; icon: IconName; word: string; state?: string }) {
  return (
    <li>
      <button type="button" class="row" onClick={() => go(to)}>
        <Icon name={icon} />
        <span class="row-text">
          <span>{word}</span>
          {state && <span class="soft">{state}</span>}
        </span>
        <Icon name="next" />
      </button>
    </li>
  );
}

/** Which workers have read what the child wrote: only the child sees it. */
import type { Read } from "../api";
import { clockTime, moment, t } from "../i18n";
import { now } from "../store/now";
import { Icon } from "./Icon";

const MOST = 3;

/** The time alone where it was the day on which the words were said. */
const when = (at: string, said: string) =>
  new Date(at).toDateString() === new Date(said).toDateString() ? clockTime(at) : moment(at, now.value);

export function ReadBy({ by, said }: { by: Read[]; said: string }) {
  return (
    <>
      {by.slice(0, MOST).map(({ name, at }) => (
        <p key={name + at} class="soft read">
          <Icon name="eye" />
          <span>{t("Read by {name}, {time}", { name, time: when(at, said) })}</span>
        </p>
      ))}
    </>
  );
}

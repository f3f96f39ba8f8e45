import { t } from "../i18n";
import { Face } from "./Icon";

/** From awful to great; one short word each, always visible. */
export const moods = () => [t("Awful"), t("Bad"), t("So-so"), t("Good"), t("Great")];

interface Props {
  labelledBy: string;
  value: number | null;
  onChoose(mood: number | null): void;
}

/** Five faces, optional: a second tap takes the choice back. */
export function Faces({ labelledBy, value, onChoose }: Props) {
  return (
    <div class="faces" role="group" aria-labelledby={labelledBy}>
      {moods().map((word, index) => {
        const mood = index + 1;
        const isChosen = value === mood;
        return (
          <button
            key={mood}
            type="button"
            class="face"
            aria-pressed={isChosen}
            onClick={() => onChoose(isChosen ? null : mood)}
          >
            <Face mood={mood} />
            <span>{word}</span>
          </button>
        );
      })}
    </div>
  );
}

/** The shared question on Today: asked like any other thing of the day, and thanked for whatever the answer is. */
import { useSignal } from "@preact/signals";
import { t } from "../i18n";
import { answer, asked } from "../store/question";

export function SharedQuestion() {
  const words = useSignal("");
  const isThanked = useSignal(false);
  const question = asked.value;
  if (!question) return <p role="status">{isThanked.value && t("Thank you.")}</p>;
  const say = (event: Event) => {
    event.preventDefault();
    if (!words.value.trim()) return;
    isThanked.value = true;
    void answer(question.id, words.value.trim());
    words.value = "";
  };
  return (
    <form class="card forgot" onSubmit={say}>
      <label for="shared">{question.text}</label>
      <input
        id="shared"
        type="text"
        dir="auto"
        autocomplete="off"
        maxLength={500}
        value={words.value}
        onInput={(event) => (words.value = event.currentTarget.value)}
      />
      <button type="submit" class="plain">
        {t("Send")}
      </button>
    </form>
  );
}

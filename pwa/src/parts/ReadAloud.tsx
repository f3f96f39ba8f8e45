/** Reads a text aloud, on tap only, with a voice that lives on the phone: no word leaves it for that. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { language, t } from "../i18n";
import { Icon } from "./Icon";

const voices = signal<SpeechSynthesisVoice[]>([]);
const speaking = signal<string | null>(null);

const speech = () => (typeof speechSynthesis === "undefined" ? null : speechSynthesis);

function hear(): void {
  voices.value = speech()?.getVoices() ?? [];
}

export function begin(): void {
  hear();
  speech()?.addEventListener?.("voiceschanged", hear);
}

function voice(): SpeechSynthesisVoice | undefined {
  return voices.value.find((each) => each.localService && each.lang.toLowerCase().split(/[-_]/)[0] === language.value);
}

export function hush(): void {
  speech()?.cancel();
  speaking.value = null;
}

function say(text: string): void {
  hush();
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voice() ?? null;
  words.lang = words.voice?.lang ?? language.value;
  words.rate = 0.9;
  words.onend = words.onerror = () => (speaking.value = null);
  speaking.value = text;
  speech()?.speak(words);
}

/** Not there at all where the phone has no voice for this language. */
export function ReadAloud({ text }: { text: string }) {
  useEffect(() => hush, [text]);
  if (!voice()) return null;
  const isSpeaking = speaking.value === text;
  return (
    <button type="button" class="quiet" onClick={() => (isSpeaking ? hush() : say(text))}>
      <Icon name={isSpeaking ? "stop" : "listen"} />
      {isSpeaking ? t("Stop") : t("Listen")}
    </button>
  );
}

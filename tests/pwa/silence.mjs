// Reads {model, levels: [{level, moves: [[field, steps]]}], spans: [[seconds, language]]} and says what is drawn and typed.
import { readFileSync } from "node:fs";
import * as silence from "../../pwa/src/desk/silence.ts";

const { model, levels, moments, spans } = JSON.parse(readFileSync(0, "utf8"));

function drawn(level) {
  const pins = Object.fromEntries(model.marks.map(({ code }) => [code, silence.placeOf(model, code, level)]));
  const says = model.marks.map((mark) => silence.sentence(mark, level, "en"));
  return { pins, parts: silence.stretches(model, level), rungs: silence.rungs(model, level), says };
}

function moved(level) {
  return model.marks
    .filter(({ field, shapes }) => field && shapes.includes(level.shape))
    .flatMap((mark) => {
      const goes = [-40, -4, -1, 1, 4, 40].map((steps) => silence.stepped(model, level, mark, steps));
      const ends = [true, false].map((isLatest) => silence.furthest(model, level, mark, isLatest));
      const dragged = [-1e7, 0, 5e3, 1e7].map((at) => silence.durationNear(model, level, mark, at));
      return [...goes, ...ends, ...dragged].map((seconds) => [mark.field, seconds]);
    });
}

const told = {
  levels: levels.map((level) => ({ ...drawn(level), moved: moved(level), broken: silence.broken(model, level) })),
  places: moments.map(([clock, seconds]) => {
    const at = silence.place(model, clock, seconds);
    return [at, silence.momentAt(model, clock, at)];
  }),
  spans: spans.map(([seconds, language]) => silence.spoken(seconds, language)),
  typed: [[5400, "h"], [7200, "m"], [5400, "m"], [86400, "h"], [172800, "d"], [129600, "d"], [90, "m"]].map(
    ([seconds, unit]) => silence.typed(seconds, unit),
  ),
  read: [["2", "h"], ["٢", "h"], ["", "h"], ["0", "h"], ["1.5", "h"], ["-1", "m"], ["12345678", "s"], ["3", "w"]].map(
    ([text, unit]) => silence.secondsOf(text, unit) ?? null,
  ),
};
process.stdout.write(JSON.stringify(told));

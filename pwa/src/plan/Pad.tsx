/** A name, or a sign, drawn with the finger: kept as strokes. The same can be said with a tap. */
import { useRef } from "preact/hooks";
import { t } from "../i18n";

const MOST_LETTERS = 19_000;

interface Props {
  value: string;
  onDraw(strokes: string): void;
}

export function Pad({ value, onDraw }: Props) {
  const canvas = useRef<SVGSVGElement>(null);
  const isDown = useRef(false);
  const drawn = useRef(value);
  const draw = (letters: string) => {
    drawn.current = letters && drawn.current + letters;
    onDraw(drawn.current);
  };
  const at = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const x = Math.round(((event.clientX - box.left) / box.width) * 300);
    const y = Math.round(((event.clientY - box.top) / box.height) * 150);
    return `${x} ${y}`;
  };
  const begin = (event: PointerEvent) => {
    event.preventDefault();
    canvas.current!.setPointerCapture(event.pointerId);
    isDown.current = true;
    draw(`M${at(event)}`);
  };
  const move = (event: PointerEvent) => {
    if (isDown.current && drawn.current.length < MOST_LETTERS) draw(`L${at(event)}`);
  };
  return (
    <div class="field">
      <svg
        ref={canvas}
        class="pad"
        viewBox="0 0 300 150"
        role="img"
        aria-label={t("Draw here with your finger")}
        onPointerDown={begin}
        onPointerMove={move}
        onPointerUp={() => (isDown.current = false)}
        onPointerCancel={() => (isDown.current = false)}
      >
        <path d={value || "M0 0"} />
      </svg>
      <button type="button" class="plain" onClick={() => draw("")}>
        {t("Draw again")}
      </button>
    </div>
  );
}

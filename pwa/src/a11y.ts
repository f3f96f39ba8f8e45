/** Small things that keep the app usable by ear and by keyboard. */
import { useLayoutEffect, useRef } from "preact/hooks";

let isStill = false;

/** Draws what has a beginning of its own before it: the focus stays where it is. */
export function still(draw: () => void): void {
  isStill = true;
  draw();
  isStill = false;
}

/**
 * Moves the focus to this element when it appears, so that a reader starts where the change is. It happens
 * before the screen is painted: later, on a slow phone, it would come in the middle of a person's first word
 * and take the rest of it.
 */
export function useArrival<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  useLayoutEffect(() => {
    if (!isStill) ref.current?.focus({ preventScroll: true });
  }, []);
  return ref;
}

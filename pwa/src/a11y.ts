/** Small things that keep the app usable by ear and by keyboard. */
import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Moves the focus to this element when it appears, so that a reader starts where the change is. It happens
 * before the screen is painted: later, on a slow phone, it would come in the middle of a person's first word
 * and take the rest of it.
 */
export function useArrival<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  useLayoutEffect(() => ref.current?.focus({ preventScroll: true }), []);
  return ref;
}

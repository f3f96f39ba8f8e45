/** Small things that keep the app usable by ear and by keyboard. */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

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

/**
 * Where what had the focus is gone, the focus goes to what came in its place, else to the heading: a person who cannot
 * see the screen need not find their place anew. It goes to no button: a key that is held down would press it.
 */
function follow(screen: HTMLElement): () => void {
  let held: EventTarget | null = null;
  const note = ({ target }: FocusEvent) => (held = target);
  const watching = new MutationObserver((changes) => {
    if (!(held instanceof HTMLElement) || held.isConnected) return;
    held = null;
    const root = screen.getRootNode() as Document | ShadowRoot;
    if (!screen.isConnected || (root.activeElement && root.activeElement !== document.body)) return;
    const came = changes.flatMap(({ addedNodes }) => [...addedNodes]).find((node) => node instanceof HTMLElement);
    if (came) came.tabIndex = -1;
    (came ?? screen.querySelector<HTMLElement>("h1"))?.focus({ preventScroll: true });
  });
  screen.addEventListener("focusin", note);
  watching.observe(screen, { childList: true, subtree: true });
  return () => {
    screen.removeEventListener("focusin", note);
    watching.disconnect();
  };
}

/** The screen on which the focus is never lost. */
export function useKeptFocus<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  useEffect(() => (ref.current ? follow(ref.current) : undefined), []);
  return ref;
}

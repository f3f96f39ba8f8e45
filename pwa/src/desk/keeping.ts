/**
 * A form with `data-keeps` stays as it is while there is no connection, and says so: a page of the browser in
 * its place would cost what was typed. Its id is in the form, so that what is sent twice is one thing.
 */
async function send(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  const unsent = form.querySelector<HTMLElement>("[data-unsent]");
  if (unsent) unsent.hidden = true;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) body.append(name, String(value));
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    if (answer.redirected) {
      location.assign(answer.url);
      return;
    }
  } catch {
    if (unsent) unsent.hidden = false;
    return;
  } finally {
    form.removeAttribute("aria-busy");
  }
  // Refused, or said in a page of its own: the browser shows it.
  delete form.dataset["keeps"];
  form.requestSubmit(submitter);
}

export function begin(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("keeps" in form.dataset)) return;
    event.preventDefault();
    if (!form.hasAttribute("aria-busy")) void send(form, event.submitter);
  });
}
